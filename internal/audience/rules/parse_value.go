package rules

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// root is the path of the whole text.
const root = "$"

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func key(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// quote returns an input value for a message, quoted and shortened: a value may be as long as the
// whole text.
func quote(value string) string {
	const most = 60
	if runes := []rune(value); len(runes) > most {
		value = string(runes[:most]) + "…"
	}
	return strconv.Quote(value)
}

// given reports whether a key has a value. null and "" count as a missing key.
func given(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", `""`:
		return false
	}
	return true
}

// emptyOrMissing reports whether a key that should hold an object is missing or empty. PHP writes
// an empty object as [].
func emptyOrMissing(raw json.RawMessage) bool {
	if !given(raw) {
		return true
	}
	return len(raw) > 1 && (raw[0] == '{' || raw[0] == '[') && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

func (p *parser) object(raw json.RawMessage, path string) (map[string]json.RawMessage, bool) {
	var keys map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &keys) != nil {
		p.fault(path, "expected an object")
		return nil, false
	}
	return keys, true
}

func (p *parser) array(raw json.RawMessage, path string) ([]json.RawMessage, bool) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		p.fault(path, "expected a list")
		return nil, false
	}
	return items, true
}

// refuseUnknown adds a fault for each unknown key that holds an object or a list.
func (p *parser) refuseUnknown(keys map[string]json.RawMessage, path string, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		raw := keys[name]
		if slices.Contains(known, name) || emptyOrMissing(raw) || raw[0] != '{' && raw[0] != '[' {
			continue
		}
		if strings.ContainsFunc(name, notInIdentifier) || name == "" {
			p.fault(path+"["+quote(name)+"]", "unknown key")
			continue
		}
		p.fault(key(path, name), "unknown key")
	}
}

func notInIdentifier(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// word parses a string that must be in the vocabulary. what is the kind of word for the message.
func word[T ~string](p *parser, raw json.RawMessage, path, what string, words map[string]T) T {
	text, ok := p.text(raw, path)
	if !ok {
		return ""
	}
	value, ok := words[fold(text)]
	if !ok {
		p.fault(path, "unknown %s %s", what, quote(text))
	}
	return value
}

// text parses a required string.
func (p *parser) text(raw json.RawMessage, path string) (string, bool) {
	if !given(raw) {
		p.fault(path, "missing")
		return "", false
	}
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		p.fault(path, "expected a string")
		return "", false
	}
	return text, true
}

// scalar returns a string, number or boolean as text. null and a missing key give "".
func (p *parser) scalar(raw json.RawMessage, path string) (string, bool) {
	if !given(raw) {
		return "", true
	}
	switch raw[0] {
	case '{', '[':
		p.fault(path, "expected a string or a number")
		return "", false
	case '"':
		return p.text(raw, path)
	default:
		return string(raw), true
	}
}

// id parses one required id.
func (p *parser) id(raw json.RawMessage, path string) int64 {
	if !given(raw) {
		p.fault(path, "missing")
		return 0
	}
	text, ok := p.scalar(raw, path)
	if !ok {
		return 0
	}
	return p.idText(text, path)
}

func (p *parser) idText(text, path string) int64 {
	id, ok := parseID(text)
	if !ok {
		p.fault(path, "expected a positive whole number, not %s", quote(text))
	}
	return id
}

// parseID parses a positive whole number of at most 64 bits. It accepts digits, and blanks around
// them.
func parseID(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "+") {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, false
	}
	return id, true
}

// ids parses an id, comma-separated ids or a list of ids, and removes duplicates. Empty entries are
// ignored, because PHP's explode returns [""] for an empty string.
func (p *parser) ids(raw json.RawMessage, path string) []int64 {
	if !given(raw) {
		return nil
	}
	seen := map[int64]bool{}
	var out []int64
	add := func(text, at string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		if id := p.idText(text, at); id > 0 && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	if raw[0] != '[' {
		text, _ := p.scalar(raw, path)
		for part := range strings.SplitSeq(text, ",") {
			add(part, path)
		}
		return out
	}
	items, _ := p.array(raw, path)
	for i, item := range items {
		if p.stopped {
			break
		}
		at := element(path, i)
		if text, ok := p.scalar(item, at); ok {
			add(text, at)
		}
	}
	return out
}

// number parses a whole number from least to most.
func (p *parser) number(raw json.RawMessage, path string, least, most int) int {
	if !given(raw) {
		p.fault(path, "missing")
		return 0
	}
	text, ok := p.scalar(raw, path)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least || n > most {
		p.fault(path, "expected a whole number from %d to %d, not %s", least, most, quote(text))
		return 0
	}
	return n
}
