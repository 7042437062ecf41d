package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

const (
	// maxNesting is how many brackets a field name may have. ABTesting[Variations][0][EmailID] has
	// three.
	maxNesting = 8
	// maxFields is how many fields a form may have, and how many values a JSON body.
	maxFields = 20_000
	// maxLevels is how many levels all bracketed names of a form may create. Each level takes
	// hundreds of bytes, even if its name is short.
	maxLevels = 2_000
	// fieldSize is the approximate memory of a decoded form field or JSON value in addition to its
	// text, in bytes.
	fieldSize = 160
)

// tooManyFields is the error of a form with more than maxFields.
var tooManyFields = malformed(fmt.Sprintf("The form has more than %d fields.", maxFields))

// malformed is the reason why a request cannot be read, worded for its author.
type malformed string

func (m malformed) Error() string { return string(m) }

// decode reads the parameters of a body and merges them into over, which holds those of the query
// string. If it fails, the parameters read so far are kept. It drops the content of the body, so
// that there is no second copy in memory while the command runs.
func decode(ctx context.Context, contentType string, body *surface.Body, over Parameters) error {
	if body.Size() == 0 {
		return nil
	}
	done, err := body.Decoding(ctx)
	if err != nil {
		return err
	}
	defer done()
	defer body.Forget()
	sent, err := readParameters(contentType, charged{body})
	over.merge(sent)
	return err
}

// charged is a request body whose fields are charged to its memory limit.
type charged struct{ *surface.Body }

func (c charged) Fields(n int) error { return c.Charge(int64(min(n, maxFields)) * fieldSize) }

// encoded is a body in the form that its decoder needs. Call either Bytes or Take, and only once.
type encoded interface {
	Bytes() []byte
	Take() string
	// Fields announces the number of fields or values before they are decoded.
	Fields(n int) error
}

// given is a body that is already in memory and has no limits.
type given []byte

func (g given) Bytes() []byte  { return g }
func (g given) Take() string   { return string(g) }
func (given) Fields(int) error { return nil }

func readParameters(contentType string, body encoded) (Parameters, error) {
	if contentType == "" {
		contentType = "application/x-www-form-urlencoded"
	}
	media, options, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return nil, malformed("The content type of the request cannot be understood.")
	}
	switch media {
	case "application/x-www-form-urlencoded":
		text := body.Take()
		if err := body.Fields(strings.Count(text, "&") + 1); err != nil {
			return nil, err
		}
		return readForm(text)
	case "multipart/form-data":
		boundary := options["boundary"]
		if err := body.Fields(bytes.Count(body.Bytes(), []byte("\n--"+boundary)) + 1); err != nil {
			return nil, err
		}
		return readMultipart(boundary, body.Bytes())
	case "application/json":
		if err := body.Fields(countValues(body.Bytes())); err != nil {
			return nil, err
		}
		return readJSON(body.Bytes())
	default:
		return nil, malformed(
			fmt.Sprintf("The content type %q is not supported: send a form or JSON.", kind.Cut(kind.Clean(media), 100)),
		)
	}
}

// readForm reads a URL-encoded form. It differs from url.ParseQuery in two ways. It keeps the order
// of the fields, because the last one of a repeated field counts. It also accepts semicolons, and a
// % that does not begin an escape, as literal text, because scripts send %Link:Unsubscribe%
// unescaped. If it fails, it returns the fields read so far, so that the error can be written in
// the requested format.
func readForm(text string) (Parameters, error) {
	form := form{into: Parameters{}}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if err := form.add(unescape(name), unescape(value)); err != nil {
			return form.into, err
		}
	}
	return form.into, nil
}

// unescape decodes a part of a form like PHP.
func unescape(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '+':
			out.WriteByte(' ')
		case c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			out.WriteByte(fromHex(text[i+1])<<4 | fromHex(text[i+2]))
			i += 2
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// fromHex returns the value of a hexadecimal digit.
func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// readMultipart reads multipart/form-data. It ignores files and parts without a name. Every part
// counts as a field, because finding its end costs time in any case.
func readMultipart(boundary string, body []byte) (Parameters, error) {
	if boundary == "" {
		return nil, malformed("The multipart form names no boundary.")
	}
	form := form{into: Parameters{}}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for parts := 0; ; {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form.into, nil
		}
		if err != nil {
			return form.into, malformed("The multipart form is damaged.")
		}
		if parts++; parts > maxFields {
			return form.into, tooManyFields
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return form.into, malformed("The multipart form is damaged.")
		}
		if part.FileName() != "" || part.FormName() == "" {
			continue
		}
		if err := form.add(part.FormName(), string(value)); err != nil {
			return form.into, err
		}
	}
}

// readJSON reads a body that is one JSON object.
func readJSON(body []byte) (Parameters, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if countValues(body) > maxFields {
		return nil, malformed(fmt.Sprintf("The body has more than %d values.", maxFields))
	}
	if !json.Valid(body) {
		return nil, malformed("The body is not valid JSON.")
	}
	if body[0] != '{' {
		return nil, malformed("The body must be one JSON object.")
	}
	level, err := readLevel(body)
	if err != nil {
		return nil, malformed("The body is not valid JSON.")
	}
	p := make(Parameters, len(level.values))
	for name, v := range level.values {
		if v != nil {
			p[name] = v
		}
	}
	return p, nil
}

// countValues returns an upper bound for the number of values in the arrays and objects of a JSON
// text. It needs one pass and decodes nothing: each value follows a comma, except the first in its
// array or object.
func countValues(text []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// form collects fields into parameters. It builds nested structures from bracketed names like PHP.
type form struct {
	into           Parameters
	fields, levels int
}

func (f *form) add(name, value string) error {
	if f.fields++; f.fields > maxFields {
		return tooManyFields
	}
	name, value = kind.Clean(name), kind.Clean(value)
	base, keys := brackets(name)
	if len(keys) == 0 {
		f.into[fold(base)] = value
		return nil
	}
	if len(keys) > maxNesting {
		return malformed(fmt.Sprintf("The name of a field is nested deeper than %d.", maxNesting))
	}
	level, ok := f.into[fold(base)].(*branch)
	if !ok {
		level = f.branch()
		f.into[fold(base)] = level
	}
	for _, key := range keys[:len(keys)-1] {
		level = f.descend(level, key)
	}
	level.set(level.position(keys[len(keys)-1]), value)
	if f.levels > maxLevels {
		return malformed(fmt.Sprintf("The names of the fields make more than %d levels.", maxLevels))
	}
	return nil
}

// branch creates a level and counts it.
func (f *form) branch() *branch {
	f.levels++
	return &branch{}
}

// descend returns the level below a key and creates it if necessary.
func (f *form) descend(b *branch, key string) *branch {
	key = b.position(key)
	inner, ok := b.values[fold(key)].(*branch)
	if !ok {
		inner = f.branch()
		b.set(key, inner)
	}
	return inner
}

// position returns the key, or the next free index if the key is empty.
func (b *branch) position(key string) string {
	if key == "" {
		return strconv.Itoa(b.next)
	}
	return key
}

// brackets splits a name like a[b][][c] into the base a and its keys. A name without this form is
// returned as the base. Text after the last bracket is dropped, like in PHP. At most maxNesting+1
// keys are returned.
func brackets(name string) (base string, keys []string) {
	base, rest, found := strings.Cut(name, "[")
	if !found || base == "" {
		return name, nil
	}
	for len(keys) <= maxNesting {
		key, after, closed := strings.Cut(rest, "]")
		if !closed {
			if len(keys) == 0 {
				return name, nil
			}
			return base, keys
		}
		keys = append(keys, strings.TrimSpace(key))
		if !strings.HasPrefix(after, "[") {
			return base, keys
		}
		rest = after[1:]
	}
	return base, keys
}
