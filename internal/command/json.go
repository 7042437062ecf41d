package command

import "unicode/utf8"

// jsonSyntax writes plain UTF-8 and escapes only what JSON requires.
type jsonSyntax struct{}

func (jsonSyntax) begin(dst []byte) []byte       { return dst }
func (jsonSyntax) end(dst []byte) []byte         { return dst }
func (jsonSyntax) openObject(dst []byte) []byte  { return append(dst, '{') }
func (jsonSyntax) closeObject(dst []byte) []byte { return append(dst, '}') }
func (jsonSyntax) openList(dst []byte) []byte    { return append(dst, '[') }
func (jsonSyntax) closeList(dst []byte) []byte   { return append(dst, ']') }

func (s jsonSyntax) openMember(dst []byte, i int, name string) []byte {
	return append(s.text(s.openItem(dst, i), name), ':')
}
func (jsonSyntax) closeMember(dst []byte, _ string) []byte { return dst }

func (jsonSyntax) openItem(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
func (jsonSyntax) closeItem(dst []byte, _ int) []byte { return dst }

func (jsonSyntax) literal(dst []byte, text string) []byte { return append(dst, text...) }
func (jsonSyntax) null(dst []byte) []byte                 { return append(dst, "null"...) }

const hexDigits = "0123456789abcdef"

func (jsonSyntax) text(dst []byte, text string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		b := text[i]
		switch {
		case b == '"' || b == '\\':
			dst = append(append(dst, text[start:i]...), '\\', b)
		case b < 0x20:
			dst = append(dst, text[start:i]...)
			dst = appendControl(dst, b)
		case b < utf8.RuneSelf:
			i++
			continue
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, text[start:i]...), "\uFFFD"...)
		}
		i++
		start = i
	}
	return append(append(dst, text[start:]...), '"')
}

func appendControl(dst []byte, b byte) []byte {
	switch b {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
	}
}
