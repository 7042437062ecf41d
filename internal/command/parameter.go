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
// json.RawMessage holding a JSON array or object, or a *branch of bracketed names. What was sent
// empty is kept, for the one parameter to which that means something.
type Parameters map[string]any

// branch is a level of a nested parameter. Its values are those of Parameters.
type branch struct {
	// names are the keys as they were written, in order.
	names  []string
	values map[string]any
	// next is the position that an empty bracket takes.
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

// sequential reports whether the keys are 0, 1, 2 and so on, as those of a list are.
func (b *branch) sequential() bool {
	for i, name := range b.names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// merge lays other parameters over these. What is empty there was not given, but for an A/B test, which is removed so.
func (p Parameters) merge(other Parameters) {
	for name, v := range other {
		if text, scalar := v.(string); scalar && text == "" && name != "abtesting" && p[name] != nil {
			continue
		}
		p[name] = v
	}
}

// Has reports whether a parameter was given a value.
func (p Parameters) Has(name string) bool { return strings.TrimSpace(p.Text(name)) != "" }

// Text returns a parameter as text, empty when it was not given: a list of scalars with commas
// between, any other structure as its JSON.
func (p Parameters) Text(name string) string { return textValue(p[fold(name)]) }

// Optional returns a parameter as text, nil when it was not given.
func (p Parameters) Optional(name string) *string {
	if text := p.Text(name); text != "" {
		return &text
	}
	return nil
}

// ID returns a parameter that names something; 0, which nothing has, for what is not a positive integer.
func (p Parameters) ID(name string) int64 { return parseID(p.Text(name)) }

func parseID(text string) int64 {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// IDs returns the comma-separated ids of a parameter, each once and in order, and whether it holds nothing else.
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

// Count returns a number from 0 to the largest int; 0 for anything else.
func (p Parameters) Count(name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(p.Text(name)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Number returns a number, nil when none was given and -1 for what is none; the domain refuses that.
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

// Flag reports whether a boolean was given as true; anything unclear is false.
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

// jsonText is a structure as JSON: as it was sent, or as the brackets say it.
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

// open returns the next level of a structure, nil for a scalar.
func open(v any) *branch {
	switch v := v.(type) {
	case *branch:
		return v
	case json.RawMessage:
		inner, err := readLevel(v)
		if err != nil {
			return nil // it was read once already, within a document that is valid
		}
		return inner
	default:
		return nil
	}
}

// readLevel reads one level of a JSON array or object whose text is valid; what is nested in it
// stays text, a part of the text given. Of a repeated name the last value counts.
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

// blanks returns how many blanks of JSON a text begins with.
func blanks(text []byte) int {
	for i, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return len(text)
}

// valueLength returns the length of the JSON value that a valid text begins with.
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
				return i // of what the value is in
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // a number, true, false or null goes on
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// unquote returns the text of a JSON string. One without escapes is copied once.
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

// scalarOr returns a JSON scalar as text, null as nil, and anything else as it is.
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

// parametersOf turns what GraphQL decoded, or the text of a JSON object, into parameters.
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
