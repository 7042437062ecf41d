package message

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/inbucket/html2text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Markers replace tags while HTML is parsed: the number of the first tag that is written alike, and
// the tag's own. They are made of characters for private use, which are removed from the text before.
const (
	marker       = "\uE000"
	markerMiddle = "\uE001"
	markerEnd    = "\uE002"
)

var markers = strings.NewReplacer(marker, "", markerMiddle, "", markerEnd, "")

func withoutMarkers(text string) string {
	if !strings.Contains(text, marker[:2]) { // the bytes that all have in common
		return text
	}
	return markers.Replace(text)
}

// ownNumber is the part of a marker that differs between tags that are written alike.
var ownNumber = regexp.MustCompile(markerMiddle + "[0-9]+" + markerEnd)

// parseWith parses an HTML text in which each tag is replaced.
func parseWith(text string, tags []found, replaced func(i int) string) (*html.Node, error) {
	var b strings.Builder
	start := 0
	for i := range tags {
		b.WriteString(withoutMarkers(text[start:max(start, tags[i].start)]))
		b.WriteString(replaced(i))
		start = tags[i].end
	}
	b.WriteString(withoutMarkers(text[start:]))
	document, err := html.ParseWithOptions(strings.NewReader(b.String()), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, errors.New("the HTML cannot be parsed: " + strings.TrimPrefix(err.Error(), "html: "))
	}
	return document, nil
}

// isHidden reports whether a person sees nothing of a node and what is in it.
func isHidden(n *html.Node) bool {
	switch {
	case n.Type == html.CommentNode:
		return true
	case n.Type != html.ElementNode:
		return false
	}
	switch n.DataAtom {
	case atom.Head, atom.Title, atom.Style, atom.Script, atom.Template, atom.Iframe, atom.Noembed, atom.Noframes,
		atom.Object, atom.Datalist:
		return true
	}
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "style" && hides(a.Val) {
			return true
		}
	}
	return false
}

// hides reports whether a style attribute hides its element.
func hides(style string) bool {
	for declaration := range strings.SplitSeq(strings.ToLower(style), ";") {
		name, value, _ := strings.Cut(declaration, ":")
		value, _, _ = strings.Cut(value, "!")
		if strings.TrimSpace(name) == "display" && strings.TrimSpace(value) == "none" {
			return true
		}
	}
	return false
}

// prune removes what a person does not see.
func prune(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if isHidden(child) {
			n.RemoveChild(child)
		} else {
			prune(child)
		}
		child = next
	}
}

// inline are the elements that do not begin a line.
var inline = []atom.Atom{
	atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Cite, atom.Code, atom.Del, atom.Em, atom.Font,
	atom.I, atom.Img, atom.Ins, atom.Kbd, atom.Label, atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small, atom.Span,
	atom.Strike, atom.Strong, atom.Sub, atom.Sup, atom.Time, atom.Tt, atom.U, atom.Var, atom.Wbr,
}

// blocks are elements that the library does not know, with one that it knows and that looks alike.
var blocks = map[atom.Atom]atom.Atom{
	atom.H4: atom.P, atom.H5: atom.P, atom.H6: atom.P, atom.Ol: atom.Ul, atom.Dl: atom.P, atom.Dt: atom.Div,
	atom.Dd: atom.Div, atom.Section: atom.Div, atom.Article: atom.Div, atom.Header: atom.Div, atom.Footer: atom.Div,
	atom.Main: atom.Div, atom.Nav: atom.Div, atom.Aside: atom.Div, atom.Center: atom.Div, atom.Address: atom.Div,
	atom.Figure: atom.Div, atom.Figcaption: atom.Div, atom.Caption: atom.Div, atom.Tr: atom.Div,
}

// flatten turns elements within a line into text, because the library puts a blank around each, and
// elements that it does not know into such that it knows.
func flatten(n *html.Node) {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		flatten(child)
	}
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.Type == html.ElementNode && slices.Contains(inline, child.DataAtom) && !hasBlocks(child) {
			n.InsertBefore(&html.Node{Type: html.TextNode, Data: lineOf(child)}, child)
			n.RemoveChild(child)
		}
		child = next
	}
	for child := n.FirstChild; child != nil && child.NextSibling != nil; {
		if next := child.NextSibling; child.Type == html.TextNode && next.Type == html.TextNode {
			child.Data += next.Data
			n.RemoveChild(next)
		} else {
			child = next
		}
	}
	if known, ok := blocks[n.DataAtom]; ok && n.Type == html.ElementNode {
		n.DataAtom, n.Data = known, known.String()
	}
}

// hasBlocks reports whether an element that was flattened inside has more than text in it.
func hasBlocks(n *html.Node) bool {
	for child := range n.ChildNodes() {
		if child.Type != html.TextNode {
			return true
		}
	}
	return false
}

// lineOf returns an element within a line as text: a link with its URL, an image by its text.
func lineOf(n *html.Node) string {
	if n.DataAtom == atom.Img {
		return attributeOf(n, "alt")
	}
	text := ""
	if n.FirstChild != nil {
		text = n.FirstChild.Data
	}
	if n.DataAtom != atom.A {
		return text
	}
	shown := strings.TrimSpace(text)
	target := strings.TrimSpace(attributeOf(n, "href"))
	if rest, isMail := strings.CutPrefix(target, "mailto:"); isMail {
		target, _, _ = strings.Cut(rest, "?")
	}
	switch {
	case target == "" || strings.HasPrefix(target, "#"),
		ownNumber.ReplaceAllString(shown, "") == ownNumber.ReplaceAllString(target, ""):
		return text
	case shown == "":
		return target
	default:
		return strings.TrimRight(text, " \t\r\n") + " <" + target + ">"
	}
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// convert turns a document into plain text.
func convert(document *html.Node) (string, error) { return html2text.FromHTMLNode(document) }
