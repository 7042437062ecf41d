package message

import (
	"sort"
	"strings"

	"golang.org/x/net/html"
)

// layout is what an HTML text looks like around its tags.
type layout struct {
	// places of the tags, by their number. A tag that may not stand where it does has none.
	places map[int]place
	// quotes are offsets where a quote has to be put in, because a tag stands in an attribute that has
	// none. The value says which.
	quotes map[int]byte
	// body is the offset at which the visible text begins: behind the tag <body>, or where a browser
	// would put it.
	body int
	// bodyFound says that there was a tag <body>.
	bodyFound bool
}

// layOut finds the places of the tags of an HTML text. The tags are hidden from the HTML parser: they
// may hold quotes and angle brackets.
func layOut(text string, tags []found) *layout {
	l := &layout{places: make(map[int]place, len(tags)), quotes: map[int]byte{}}
	for i, t := range tags {
		if t.problem == "" {
			l.places[i] = inHTML
		}
	}
	m := []byte(text)
	for _, t := range tags {
		for i := t.start; i < t.end; i++ {
			m[i] = 'x'
		}
	}
	l.walk(string(m), 0, tags, true)
	return l
}

// walk reads the tokens of a part of the text that begins at an offset.
func (l *layout) walk(part string, offset int, tags []found, top bool) {
	tokenizer := html.NewTokenizer(strings.NewReader(part))
	for at := offset; ; {
		kind := tokenizer.Next()
		raw := string(tokenizer.Raw())
		end := at + len(raw)
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			l.element(raw, at, tags)
			if top && !l.bodyFound {
				l.findBody(kind, tokenizer, end)
			}
		case html.DoctypeToken:
			l.body = max(l.body, end)
		case html.CommentToken:
			l.comment(raw, at, tags)
		case html.ErrorToken:
			return
		}
		at = end
	}
}

// findBody moves the beginning of the body behind <html>, <head> with its content, and <body>.
func (l *layout) findBody(kind html.TokenType, tokenizer *html.Tokenizer, end int) {
	name, _ := tokenizer.TagName()
	switch string(name) {
	case "html", "head":
		l.body = end
	case "body":
		l.body, l.bodyFound = end, kind == html.StartTagToken
	}
}

// comment finds the places in a conditional comment of Outlook, which shows what is in it.
func (l *layout) comment(raw string, at int, tags []found) {
	const opening, closing = "<!--[if", "<![endif]"
	if len(raw) < len(opening) || !strings.EqualFold(raw[:len(opening)], opening) {
		return
	}
	start := strings.Index(raw, "]>")
	end := strings.LastIndex(raw, closing)
	if start >= 0 && start+2 <= end {
		l.walk(raw[start+2:end], at+start+2, tags, false)
	}
}

// element finds the places of the tags between the angle brackets of an element.
func (l *layout) element(raw string, at int, tags []found) {
	first := sort.Search(len(tags), func(i int) bool { return tags[i].start >= at })
	last := first
	for last < len(tags) && tags[last].end <= at+len(raw) {
		delete(l.places, last) // unless an attribute has it
		last++
	}
	if first == last {
		return
	}
	for _, a := range attributes(raw) {
		for i := first; i < last; i++ {
			if start := tags[i].start - at; tags[i].problem != "" || start < a.start || start >= a.end {
				continue
			}
			l.places[i] = a.placeAt(raw, tags[i].start-at)
			if a.quote == 0 {
				quote := byte('"')
				if strings.IndexByte(raw[a.start:a.end], quote) >= 0 {
					quote = '\''
				}
				l.quotes[at+a.start], l.quotes[at+a.end] = quote, quote
			}
		}
	}
}

// attribute is one attribute of an element with the range of its value.
type attribute struct {
	name       string
	start, end int
	quote      byte
}

// urlAttributes are the attributes that hold a URL.
var urlAttributes = map[string]bool{
	"href": true, "src": true, "background": true, "action": true, "formaction": true, "cite": true,
	"poster": true, "data": true, "longdesc": true, "xlink:href": true, "codebase": true, "srcset": true,
}

func (a attribute) placeAt(raw string, at int) place {
	if !urlAttributes[a.name] {
		return inAttribute
	}
	before := strings.ToLower(strings.TrimSpace(raw[a.start:at]))
	switch {
	case before == "":
		return asURL
	case strings.HasPrefix(before, "mailto:") && !strings.Contains(before, "?"):
		return inMailto
	}
	return inURL
}

// attributes reads the attributes of an element by the rules of HTML. The tokenizer of x/net says
// their values, but not where they are.
func attributes(raw string) []attribute {
	var all []attribute
	const blanks = " \t\r\n\f"
	i := skipUntil(raw, 1, blanks+"/>")
	for i < len(raw) {
		for i < len(raw) && strings.IndexByte(blanks+"/", raw[i]) >= 0 {
			i++
		}
		if i >= len(raw) || raw[i] == '>' {
			break
		}
		nameStart := i
		i = skipUntil(raw, i+1, blanks+"/>=")
		a := attribute{name: strings.ToLower(raw[nameStart:i])}
		for i < len(raw) && strings.IndexByte(blanks, raw[i]) >= 0 {
			i++
		}
		if i < len(raw) && raw[i] == '=' {
			i = a.readValue(raw, i+1)
		}
		all = append(all, a)
	}
	return all
}

// readValue reads a value that begins at an offset, perhaps after blanks, and returns where it ends.
func (a *attribute) readValue(raw string, i int) int {
	const blanks = " \t\r\n\f"
	for i < len(raw) && strings.IndexByte(blanks, raw[i]) >= 0 {
		i++
	}
	if i < len(raw) && (raw[i] == '"' || raw[i] == '\'') {
		a.quote = raw[i]
		a.start = i + 1
		a.end = skipUntil(raw, a.start, string(a.quote))
		return min(a.end+1, len(raw))
	}
	a.start, a.end = i, skipUntil(raw, i, blanks+">")
	return a.end
}

func skipUntil(text string, i int, stops string) int {
	for i < len(text) && strings.IndexByte(stops, text[i]) < 0 {
		i++
	}
	return i
}
