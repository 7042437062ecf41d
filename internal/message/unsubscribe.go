package message

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLHasUnsubscribeLink reports whether an HTML text has the tag of the unsubscribe link at a place
// where a person can see and click it: in visible text, or as the target of a link that has something
// visible in it. Comments, style, script, title, head and hidden elements do not count.
func HTMLHasUnsubscribeLink(text string) bool {
	tags := scanner{entities: true}.scan(text)
	if !slices.ContainsFunc(tags, isUnsubscribe) {
		return false
	}
	document, err := parseWith(text, tags, func(i int) string {
		if isUnsubscribe(tags[i]) {
			return marker
		}
		return "x"
	})
	return err == nil && showsMarker(document)
}

// PlainHasUnsubscribeLink reports whether a plain text has the tag of the unsubscribe link.
func PlainHasUnsubscribeLink(text string) bool {
	return slices.ContainsFunc(scanner{}.scan(text), isUnsubscribe)
}

func isUnsubscribe(f found) bool { return f.tag.link && f.problem == "" }

// showsMarker reports whether a marker is in the visible text, or in the target of a visible link.
func showsMarker(n *html.Node) bool {
	switch {
	case isHidden(n):
		return false
	case n.Type == html.TextNode:
		return strings.Contains(n.Data, marker)
	case n.DataAtom == atom.Area || n.DataAtom == atom.A && showsSomething(n):
		if strings.Contains(attributeOf(n, "href"), marker) {
			return true
		}
	}
	for child := range n.ChildNodes() {
		if showsMarker(child) {
			return true
		}
	}
	return false
}

// showsSomething reports whether an element has a text or an image in it.
func showsSomething(n *html.Node) bool {
	for child := range n.ChildNodes() {
		switch {
		case isHidden(child):
		case child.Type == html.TextNode && strings.TrimSpace(child.Data) != "",
			child.DataAtom == atom.Img, showsSomething(child):
			return true
		}
	}
	return false
}
