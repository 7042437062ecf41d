package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"campaignql/internal/kind"
)

// Parameters are the parameters of one request, by folded name. A value is a string, a
// json.RawMessage with a JSON array or object, or a *branch of bracketed names. Empty values are
// kept, because they have a meaning for one parameter.
type Parameters map[string]any

// branch is a level of a nested parameter. It has the same types of values as Parameters.
type branch struct {
	// names are the keys as written, in order.
	names  []string
	values map[string]any
	// next is the index that an empty bracket gets.
	next int
}

func (b *branch) set(name string, v any) {
	if b.values == nil {
		b.values = map[string]any{}
	}
	key := fold(name)
	if _, known := b.values[key]; !known {
		b.names = append(b.names, name)
	}
	b.values[key] = v
	if n, err := strconv.Atoi(name); err == nil && n >= b.next && n < math.MaxInt {
		b.next = n + 1
	}
}

// list returns the values of a branch in order.
func (b *branch) list() []any {
	out := make([]any, len(b.names))
	for i, name := range b.names {
		out[i] = b.values[fold(name)]
	}
	return out
}

// sequential reports whether the keys are 0, 1, 2 and so on, as in a list.
func (b *branch) sequential() bool {
	for i, name := range b.names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// merge overwrites these parameters with others. An empty value in other does not overwrite, except
// for ABTesting, where it removes the test.
func (p Parameters) merge(other Parameters) {
	for name, v := range other {
		if text, scalar := v.(string); scalar && text == "" && name != "abtesting" && p[name] != nil {
			continue
		}
		p[name] = v
	}
}

// Has reports whether a parameter has a value that is not blank.
func (p Parameters) Has(name string) bool { return strings.TrimSpace(p.Text(name)) != "" }

// Text returns a parameter as text, or "" if it was not given. A list of scalars becomes a
// comma-separated text, and any other structure becomes its JSON.
func (p Parameters) Text(name string) string { return textValue(p[fold(name)]) }

// Optional returns a parameter as text, or nil if it was not given.
func (p Parameters) Optional(name string) *string {
	if text := p.Text(name); text != "" {
		return &text
	}
	return nil
}

// ID returns a parameter that is an id. It returns 0, an id that no object has, if the value is not
// a positive integer.
func (p Parameters) ID(name string) int64 { return parseID(p.Text(name)) }

func parseID(text string) int64 {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// IDs returns the comma-separated ids of a parameter, each once and in order. pure is true if the
// parameter contains nothing else.
func (p Parameters) IDs(name string) (ids []int64, pure bool) {
	pure = true
	seen := map[int64]bool{}
	for text := range strings.SplitSeq(p.Text(name), ",") {
		id := parseID(text)
		switch {
		case id == 0:
			pure = false
		case !seen[id]:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, pure
}

// Integers returns those of the comma-separated integers of a parameter that can be ids. whole is
// true if the parameter contains nothing else than integers, of whatever size.
func (p Parameters) Integers(name string) (ids []int64, whole bool) {
	ids, whole = []int64{}, true
	for text := range strings.SplitSeq(p.Text(name), ",") {
		text = strings.TrimSpace(text)
		digits := strings.TrimPrefix(text, "-")
		whole = whole && digits != "" && strings.Trim(digits, "0123456789") == ""
		if id := parseID(text); id != 0 {
			ids = append(ids, id)
		}
	}
	return ids, whole
}

// Count returns an int that is at least 0, and 0 for any other value.
func (p Parameters) Count(name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(p.Text(name)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Number returns a number, nil if none was given, and -1 for a text that is not a number; the
// domain rejects -1.
func (p Parameters) Number(name string) *int {
	if !p.Has(name) {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(p.Text(name)))
	if err != nil {
		n = -1
	}
	return &n
}

// Flag reports whether a boolean is true. A value that cannot be parsed is false.
func (p Parameters) Flag(name string) bool {
	value, ok := parseBool(p.Text(name))
	return ok && value
}

func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "on":
		return true, true
	case "false", "0", "no", "off":
		return false, true
	default:
		return false, false
	}
}

// textValue returns a value as text.
func textValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	if raw, ok := v.(json.RawMessage); ok && raw[0] == '{' {
		return jsonText(v)
	}
	inner := open(v)
	items := make([]string, 0, len(inner.names))
	for i, item := range inner.list() {
		text, scalar := item.(string)
		if _, err := strconv.Atoi(inner.names[i]); err != nil || !scalar && item != nil {
			return jsonText(v)
		}
		items = append(items, text)
	}
	return strings.Join(items, ",")
}

// jsonText returns a structure as JSON: as it was sent, or built from the brackets.
func jsonText(v any) string {
	switch v := v.(type) {
	case string:
		return string(jsonSyntax{}.text(nil, v))
	case json.RawMessage:
		return kind.Clean(string(v))
	case *branch:
		var out strings.Builder
		sequential := v.sequential()
		for i, name := range v.names {
			if i > 0 {
				out.WriteByte(',')
			}
			if !sequential {
				out.WriteString(jsonText(name) + ":")
			}
			out.WriteString(jsonText(v.values[fold(name)]))
		}
		if sequential {
			return "[" + out.String() + "]"
		}
		return "{" + out.String() + "}"
	default:
		return "null"
	}
}

// open returns the next level of a structure, or nil for a scalar.
func open(v any) *branch {
	switch v := v.(type) {
	case *branch:
		return v
	case json.RawMessage:
		inner, err := readLevel(v)
		if err != nil {
			return nil // cannot happen: it is part of a document that was already parsed
		}
		return inner
	default:
		return nil
	}
}

// readLevel reads one level of a valid JSON array or object. Nested values stay text and share the
// memory of the given text. If a name is repeated, the last value counts.
func readLevel(text []byte) (*branch, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return nil, errors.New("neither an object nor an array")
	}
	level := &branch{}
	for i, at := 0, 1; ; i++ {
		at += blanks(text[at:])
		if text[at] == '}' || text[at] == ']' {
			return level, nil
		}
		name := strconv.Itoa(i)
		if text[0] == '{' {
			end := at + valueLength(text[at:])
			name = unquote(text[at:end])
			at = end + blanks(text[end:]) + len(":")
			at += blanks(text[at:])
		}
		end := at + valueLength(text[at:])
		level.set(name, scalarOr(text[at:end]))
		at = end + blanks(text[end:])
		if text[at] == ',' {
			at++
		}
	}
}

// blanks returns the length of the JSON white space at the beginning of a text.
func blanks(text []byte) int {
	for i, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return len(text)
}

// valueLength returns the length of the JSON value at the beginning of a valid text.
func valueLength(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
			if depth < 0 {
				return i // the end of the surrounding value
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // inside a number, true, false or null
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// unquote returns the text of a JSON string. A string without escapes is copied only once.
func unquote(raw []byte) string {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return kind.Clean(string(inner))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return ""
	}
	return kind.Clean(text)
}

// scalarOr returns a JSON scalar as text, null as nil, and any other value unchanged.
func scalarOr(raw []byte) any {
	switch raw[0] {
	case '{', '[':
		return json.RawMessage(raw)
	case '"':
		return unquote(raw)
	case 'n':
		return nil
	default:
		return string(raw)
	}
}

// parametersOf converts a value decoded by GraphQL, or the text of a JSON object, to parameters.
func parametersOf(given any) (Parameters, error) {
	text, ok := given.(json.RawMessage)
	if !ok {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(given); err != nil {
			return nil, malformed("The parameters are not JSON.")
		}
		text = out.Bytes()
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || string(text) == "null" {
		return Parameters{}, nil
	}
	return readJSON(text)
}
