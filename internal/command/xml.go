package command

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlSyntax writes one element per member, the items of a list as node_0, node_1 and so on, and
// every scalar as CDATA.
type xmlSyntax struct{}

func (xmlSyntax) begin(dst []byte) []byte {
	return append(dst, `<?xml version="1.0" encoding="utf-8"?><response>`...)
}
func (xmlSyntax) end(dst []byte) []byte         { return append(dst, "</response>"...) }
func (xmlSyntax) openObject(dst []byte) []byte  { return dst }
func (xmlSyntax) closeObject(dst []byte) []byte { return dst }
func (xmlSyntax) openList(dst []byte) []byte    { return dst }
func (xmlSyntax) closeList(dst []byte) []byte   { return dst }

func (xmlSyntax) openMember(dst []byte, _ int, name string) []byte {
	return append(append(append(dst, '<'), elementName(name)...), '>')
}

func (xmlSyntax) closeMember(dst []byte, name string) []byte {
	return append(append(append(dst, "</"...), elementName(name)...), '>')
}

func (s xmlSyntax) openItem(dst []byte, i int) []byte  { return s.openMember(dst, i, strconv.Itoa(i)) }
func (s xmlSyntax) closeItem(dst []byte, i int) []byte { return s.closeMember(dst, strconv.Itoa(i)) }

// elementName returns a valid XML name for a member. Characters that are not allowed become
// underscores. A name that begins with a character that cannot begin an XML name, such as the
// digits of days and indexes, gets the prefix node_.
func elementName(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return !inElementName(r) }) >= 0 {
		name = strings.Map(func(r rune) rune {
			if inElementName(r) {
				return r
			}
			return '_'
		}, name)
	}
	if name == "" || !beginsElementName(name[0]) {
		return "node_" + name
	}
	return name
}

func beginsElementName(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' }

func inElementName(r rune) bool {
	return r < utf8.RuneSelf && (beginsElementName(byte(r)) || r >= '0' && r <= '9' || r == '-' || r == '.')
}

func (s xmlSyntax) literal(dst []byte, text string) []byte { return s.text(dst, text) }
func (xmlSyntax) null(dst []byte) []byte                   { return dst }

// text writes CDATA. An end of CDATA in the text is split over two sections. Characters that XML
// 1.0 forbids are dropped.
func (xmlSyntax) text(dst []byte, text string) []byte {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD ||
			r >= 0x10000 {
			return r
		}
		return -1
	}, text) // each byte of invalid UTF-8 becomes U+FFFD, as in JSON
	text = strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>")
	return append(append(append(dst, "<![CDATA["...), text...), "]]>"...)
}
