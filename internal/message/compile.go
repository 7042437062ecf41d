package message

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

// part is a piece of a text before it is encoded: a constant, and behind it a tag if there is one.
type part struct {
	constant string
	tag      *tag
	place    place
}

// piece is a part of the body as it is written: a constant, and behind it a tag if there is one.
type piece struct {
	constant constant
	tag      *tag
	place    place
	// restart says that the piece is not quoted-printable: a boundary and the header fields of a part.
	// What comes behind begins on a new line.
	restart bool
}

// line is a text of the header: fixed if it has no tags.
type line struct {
	fixed string
	parts []part
}

// mailbox is an address of the header with its name.
type mailbox struct {
	name, email line
	// mailbox is set if the address has no tags and is one.
	mailbox string
	utf8    bool
}

// compiler makes a Content.
type compiler struct {
	scanner  scanner
	problems []Problem
}

func (c *compiler) compile(source Source) *Content {
	content := &Content{
		from:    c.mailbox(PartFromName, source.FromName, PartFromEmail, source.FromEmail, true),
		replyTo: c.mailbox(PartReplyToName, source.ReplyToName, PartReplyToEmail, source.ReplyToEmail, false),
		subject: c.line(PartSubject, source.Subject),
	}
	preheader := c.parts(PartPreheader, source.Preheader, inHTML)
	var html, plain []part
	if strings.TrimSpace(source.HTML) != "" {
		html, plain = c.html(source.HTML, preheader)
	}
	if strings.TrimSpace(source.Plain) != "" || html == nil {
		plain = c.parts(PartPlain, source.Plain, asIs)
	}
	content.body = assemble(plain, html)
	for i := range content.body {
		content.constantBytes += len(content.body[i].constant.text)
	}
	content.needs = needed(content, plain, html)
	return content
}

// report adds the problems of a text.
func (c *compiler) report(part Part, text string, tags []found) {
	for _, f := range tags {
		if f.problem == "" {
			continue
		}
		before := text[:f.start]
		c.problems = append(c.problems, Problem{
			Kind: f.problem, Part: part, Text: kind.Cut(text[f.start:f.end], 200), Message: f.message,
			Line:   1 + strings.Count(before, "\n"),
			Column: 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		})
	}
}

// parts compiles a text whose values are all escaped alike.
func (c *compiler) parts(in Part, text string, at place) []part {
	text = kind.Clean(text)
	tags := c.scanner.scan(text)
	c.report(in, text, tags)
	var parts []part
	start := 0
	for _, f := range tags {
		if f.problem == "" {
			parts = append(parts, part{text[start:f.start], &f.tag, at})
			start = f.end
		}
	}
	return append(parts, part{constant: text[start:]})
}

func (c *compiler) line(in Part, text string) line {
	parts := c.parts(in, text, asIs)
	if len(parts) == 1 {
		return line{fixed: headerText(text)}
	}
	return line{parts: parts}
}

func (c *compiler) mailbox(namePart Part, name string, emailPart Part, email string, required bool) mailbox {
	m := mailbox{name: c.line(namePart, name), email: c.line(emailPart, email)}
	if m.email.parts != nil || m.email.fixed == "" && !required {
		return m
	}
	a, err := address.Parse(m.email.fixed)
	if err != nil {
		c.problems = append(c.problems, Problem{Kind: ProblemInvalid, Part: emailPart, Message: "the address " + err.Error()})
		return m
	}
	m.mailbox, m.utf8 = mailboxOf(a)
	return m
}

// html compiles the HTML, with the preheader in it, and makes the plain text from it.
func (c *compiler) html(text string, preheader []part) (parts, plain []part) {
	text = kind.Clean(text)
	c.scanner.entities = true
	tags := c.scanner.scan(text)
	c.scanner.entities = false
	layout := layOut(text, tags)
	for i := range tags {
		if _, ok := layout.places[i]; tags[i].problem == "" && !ok {
			tags[i].problem = ProblemInvalid
			tags[i].message = "stands in an element of HTML, outside the values of its attributes"
		}
	}
	c.report(PartHTML, text, tags)
	b := htmlBuilder{text: text, tags: tags, layout: layout}
	parts = b.build(preheader)
	plain, err := plainOf(text, tags, layout.places)
	if err != nil {
		c.problems = append(c.problems, Problem{Kind: ProblemInvalid, Part: PartHTML, Message: err.Error()})
	}
	return parts, plain
}

// htmlBuilder puts together the parts of an HTML text.
type htmlBuilder struct {
	text   string
	tags   []found
	layout *layout
	parts  []part
	// open is the constant that is being collected.
	open strings.Builder
}

func (b *htmlBuilder) build(preheader []part) []part {
	edits := make([]int, 0, len(b.layout.quotes)+1)
	for at := range b.layout.quotes {
		edits = append(edits, at)
	}
	edits = append(edits, b.layout.body)
	slices.Sort(edits)
	edits = slices.Compact(edits)
	start := 0
	for next := 0; ; {
		for next < len(b.tags) && b.tags[next].problem != "" {
			next++
		}
		end := len(b.text)
		if next < len(b.tags) {
			end = b.tags[next].start
		}
		for len(edits) > 0 && edits[0] <= end {
			b.open.WriteString(b.text[start:edits[0]])
			b.edit(edits[0], preheader)
			start, edits = edits[0], edits[1:]
		}
		b.open.WriteString(b.text[start:end])
		if next == len(b.tags) {
			return append(b.parts, part{constant: b.open.String()})
		}
		b.tag(&b.tags[next].tag, b.layout.places[next])
		start = b.tags[next].end
		next++
	}
}

// edit writes what has to be put in at an offset of the text.
func (b *htmlBuilder) edit(at int, preheader []part) {
	if quote := b.layout.quotes[at]; quote != 0 {
		b.open.WriteByte(quote)
	}
	if at != b.layout.body || len(preheader) == 1 && strings.TrimSpace(preheader[0].constant) == "" {
		return
	}
	b.open.WriteString(`<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">`)
	for _, p := range preheader {
		b.open.WriteString(html.EscapeString(p.constant))
		if p.tag != nil {
			escaped := *p.tag
			escaped.raw = false
			b.tag(&escaped, inHTML)
		}
	}
	b.open.WriteString("</div>")
}

func (b *htmlBuilder) tag(t *tag, at place) {
	b.parts = append(b.parts, part{b.open.String(), t, at})
	b.open.Reset()
}

// assemble encodes the texts and puts them together to the end of the header and the body.
func assemble(plain, html []part) []piece {
	const encoding = "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	if html == nil {
		return append(encode([]piece{fixed("Content-Type: text/plain" + encoding)}, plain), fixed("\r\n"))
	}
	hash := fnv.New128a()
	for _, p := range slices.Concat(plain, html) {
		hash.Write([]byte(p.constant))
	}
	// "=_" cannot occur in quoted-printable.
	boundary := "=_" + hex.EncodeToString(hash.Sum(nil))
	next := "--" + boundary + "\r\nContent-Type: text/"
	pieces := []piece{fixed(
		"Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n" + next + "plain" + encoding,
	)}
	pieces = append(encode(pieces, plain), fixed("\r\n"+next+"html"+encoding))
	return append(encode(pieces, html), fixed("\r\n--"+boundary+"--\r\n"))
}

func fixed(text string) piece { return piece{constant: constant{text: text}, restart: true} }

func encode(pieces []piece, parts []part) []piece {
	for _, p := range parts {
		at := p.place
		if p.tag != nil && p.tag.raw {
			at = at.raw()
		}
		pieces = append(pieces, piece{constant: quote(p.constant), tag: p.tag, place: at})
	}
	return pieces
}

// needed collects what the texts read.
func needed(content *Content, texts ...[]part) Needs {
	texts = append(
		texts, content.subject.parts, content.from.name.parts, content.from.email.parts,
		content.replyTo.name.parts, content.replyTo.email.parts,
	)
	var n Needs
	for _, p := range slices.Concat(texts...) {
		if p.tag == nil {
			continue
		}
		if p.tag.value != 0 {
			n.Values = append(n.Values, p.tag.value)
		}
		n.Fields = append(n.Fields, p.tag.fields...)
		n.UnsubscribeLink = n.UnsubscribeLink || p.tag.link
	}
	slices.Sort(n.Values)
	slices.SortFunc(n.Fields, cmp.Compare[int64])
	n.Values, n.Fields = slices.Compact(n.Values), slices.Compact(n.Fields)
	return n
}
