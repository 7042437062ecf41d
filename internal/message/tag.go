package message

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tag is a tag that can be filled in.
type tag struct {
	value Value
	// fields are custom fields; the first with a value counts, then value if it is not 0.
	fields []int64
	// link says that the tag is the person's link to unsubscribe.
	link bool
	// fallback stands in for a blank value.
	fallback string
	// raw says that the value is not escaped in HTML (three braces).
	raw bool
}

// found is a tag in a text, or something that looks like one.
type found struct {
	start, end int
	tag        tag
	// problem is empty for a tag that can be filled in.
	problem ProblemKind
	message string
}

// Longest tags that are recognized, in bytes.
const (
	maxPercentTag = 2000
	maxBraceTag   = 1000
)

// scanner finds the tags of a text.
type scanner struct {
	fields *Fields
	// entities says that the text is HTML, where a name or a fallback may hold character references.
	entities bool
}

// scan returns the tags of a text in their order. What is unknown is returned too, as a problem.
func (s scanner) scan(text string) []found {
	var all []found
	for i := 0; i < len(text); {
		next := strings.IndexAny(text[i:], "%{[")
		if next < 0 {
			break
		}
		i += next
		var f found
		switch text[i] {
		case '%':
			f = s.percent(text[i:])
		case '{':
			f = s.braces(text[i:])
		default:
			if i == 0 || text[i-1] != '!' { // Outlook's <![endif]
				f = bracket(text[i:])
			}
		}
		if f.end == 0 {
			i++
			continue
		}
		f.start, f.end = i, i+f.end
		all = append(all, f)
		i = f.end
		if f.problem == ProblemUnknown && text[f.start] == '%' {
			i-- // the % at the end may begin the tag that was meant
		}
	}
	return all
}

// groups are the words before the colon of a tag.
var groups = []string{"subscriber", "user", "list", "campaign", "link"}

// functions are the tags without a group that the legacy product knows.
var functions = []string{"date", "random", "mfromdomain", "remotecontent"}

// percent reads a tag %Group:Name% at the beginning of a text. The end of what is returned is 0 if
// there is none.
func (s scanner) percent(text string) found {
	word := text[1:]
	end := 0
	for end < len(word) && isLetter(word[end]) {
		end++
	}
	if end == 0 || end == len(word) || strings.IndexByte(":=%", word[end]) < 0 {
		return found{}
	}
	name := strings.ToLower(word[:end])
	length := strings.IndexAny(word[:min(len(word), maxPercentTag)], "%\r\n")
	if length < 0 || word[length] != '%' {
		return found{}
	}
	inside := word[:length]
	for _, function := range functions {
		if name == function {
			return unsupported(length+2, function)
		}
	}
	for _, group := range groups {
		if name == group && word[end] == ':' {
			rest := inside[end+1:]
			if first, _ := utf8.DecodeRuneInString(rest); !isName(first) || strings.ContainsAny(rest, "<>") {
				return found{}
			}
			f := s.lookUp(group, rest)
			f.end = length + 2
			return f
		}
	}
	return found{}
}

func unsupported(end int, function string) found {
	message := "is not supported yet"
	if function == "remotecontent" {
		message = "is refused: the server fetches nothing that a content names"
	}
	return found{end: end, problem: ProblemUnsupported, message: message}
}

// braces reads a tag {{ Group:Name | "else" }} or {{{ … }}} at the beginning of a text.
func (s scanner) braces(text string) found {
	open, closing := "{{", "}}"
	if strings.HasPrefix(text, "{{{") {
		open, closing = "{{{", "}}}"
	}
	if !strings.HasPrefix(text, open) {
		return found{}
	}
	inside, _, closed := strings.Cut(text[len(open):min(len(text), maxBraceTag)], closing)
	if !closed || strings.Contains(inside, "{{") {
		return found{}
	}
	end := len(open) + len(inside) + len(closing)
	if s.entities {
		inside = html.UnescapeString(inside)
	}
	inside = strings.TrimSpace(inside)
	if inside == "" || !isLetter(inside[0]) {
		return found{}
	}
	f := s.expression(inside)
	f.end = end
	f.tag.raw = len(open) == 3
	return f
}

// expression reads what stands between braces: a name and what follows it between bars.
func (s scanner) expression(inside string) found {
	parts := splitBars(inside)
	name := strings.TrimSpace(parts[0])
	word := strings.ToLower(name[:len(name)-len(strings.TrimLeftFunc(name, unicode.IsLetter))])
	switch word {
	case "if", "elseif", "else", "endif":
		return condition(0)
	case "date", "random", "mfromdomain":
		return unsupported(0, word)
	}
	group, rest, _ := strings.Cut(name, ":")
	f := found{problem: ProblemUnknown, message: "is no tag"}
	for _, known := range groups {
		if strings.EqualFold(strings.TrimSpace(group), known) {
			f = s.lookUp(known, strings.TrimSpace(rest))
		}
	}
	if f.problem != "" {
		return f
	}
	for _, part := range parts[1:] {
		part = strings.TrimSpace(part)
		if len(part) < 2 || strings.IndexByte(`"'`, part[0]) < 0 || part[len(part)-1] != part[0] {
			return found{
				problem: ProblemUnsupported, message: "has a helper, which is not supported yet: " + strconv.Quote(part),
			}
		}
		f.tag.fallback = part[1 : len(part)-1]
	}
	return f
}

// splitBars splits a text at the bars that are not between quotes.
func splitBars(text string) []string {
	var parts []string
	start, quote := 0, byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '|':
			parts = append(parts, text[start:i])
			start = i + 1
		case c == '"' || c == '\'' && len(parts) > 0: // a name may hold an apostrophe
			quote = c
		}
	}
	return append(parts, text[start:])
}

// bracket reads a condition [IF:…], [ELSE] or [ENDIF] at the beginning of a text.
func bracket(text string) found {
	for _, word := range []string{"[if:", "[elseif:", "[else]", "[endif]"} {
		if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
			continue
		}
		if end := strings.IndexAny(text[:min(len(text), maxBraceTag)], "]\r\n"); end > 0 && text[end] == ']' {
			return condition(end + 1)
		}
	}
	return found{}
}

func condition(end int) found {
	return found{end: end, problem: ProblemUnsupported, message: "is a condition, which is not supported yet"}
}

// lookUp finds what a tag names. The group is one of groups.
func (s scanner) lookUp(group, name string) found {
	if s.entities && strings.Contains(name, "&") {
		name = html.UnescapeString(name)
	}
	name = strings.TrimSpace(name)
	if group == "link" {
		return lookUpLink(name)
	}
	value := valuesByName[group+":"+strings.ToLower(name)]
	if group != "subscriber" {
		if value == 0 {
			return found{problem: ProblemUnknown, message: "is no tag: " + group + " has nothing of this name"}
		}
		return found{tag: tag{value: value}}
	}
	return s.lookUpSubscriber(value, name)
}

func (s scanner) lookUpSubscriber(value Value, name string) found {
	if value != 0 && value != SubscriberFirstName && value != SubscriberLastName {
		return found{tag: tag{value: value}}
	}
	if s.fields != nil {
		if ids := s.fields.names[fieldKey(name)]; len(ids) > 0 {
			return found{tag: tag{value: value, fields: ids}}
		}
		const prefix = "customfield"
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			id, err := strconv.ParseInt(name[len(prefix):], 10, 64)
			if err == nil && s.fields.ids[id] {
				return found{tag: tag{fields: []int64{id}}}
			}
		}
	}
	if value != 0 {
		return found{tag: tag{value: value}}
	}
	return found{problem: ProblemUnknown, message: "is no tag: there is no custom field of this name"}
}

// laterLinks are the links of the legacy product that cannot be filled in yet.
var laterLinks = []string{
	"suppression", "subscriberarea", "webbrowser", "forward", "reportabuse", "confirm", "reject",
}

func lookUpLink(name string) found {
	name, _, _ = strings.Cut(strings.ToLower(name), ":") // parameters of the legacy mailer
	if name == "unsubscribe" {
		return found{tag: tag{link: true}}
	}
	for _, later := range laterLinks {
		if name == later {
			return found{problem: ProblemUnsupported, message: "is a link that is not supported yet"}
		}
	}
	return found{problem: ProblemUnknown, message: "is no tag: there is no link of this name"}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isName(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
