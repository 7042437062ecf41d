package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"campaignql/internal/apperr"
)

// The encodings that a file may be said to have.
const (
	encodingUTF8   = "utf-8"
	encodingLatin1 = "latin-1"
)

// content is what reading all of a file tells.
type content struct {
	digest string
	// start are its first two bytes.
	start []byte
	// notUTF8 is the first line with bytes that are no UTF-8, 0 for none.
	notUTF8 int
	// marked tells that it begins with the mark of UTF-8.
	marked bool
	// letters tells that there are letters beyond ASCII which are UTF-8.
	letters bool
}

// scan reads all of the file.
func scan(file io.Reader) (content, error) {
	hash := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(file, hash), 64<<10)
	c, line := content{}, 1
	start, _ := in.Peek(2) // a shorter file is all there is
	c.start = bytes.Clone(start)
	for first := true; ; first = false {
		r, size, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			c.digest = hex.EncodeToString(hash.Sum(nil))
			return c, nil
		case err != nil:
			return c, err
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			if c.notUTF8 == 0 {
				c.notUTF8 = line
			}
		case first && r == byteOrderMark:
			c.marked = true
		case size > 1:
			c.letters = true
		}
	}
}

const byteOrderMark = '\ufeff'

// utf16Marks are how files of UTF-16 begin, as spreadsheets write them.
var utf16Marks = [][]byte{{0xFF, 0xFE}, {0xFE, 0xFF}}

// decoding returns how the file is to be read, nil for as it is, and the name of it. What is said
// to be Latin-1 is Windows-1252, which is the same but for characters such as the euro sign where
// Latin-1 has none.
func (c content) decoding(given string) (encoding.Encoding, string, error) {
	if given != encodingUTF8 && given != encodingLatin1 {
		for _, mark := range utf16Marks {
			if bytes.Equal(c.start, mark) {
				return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM), "UTF-16", nil
			}
		}
	}
	switch {
	case given == encodingLatin1 && c.marked:
		return nil, "", wrongEncoding("the file begins with the mark of UTF-8")
	case c.marked && c.notUTF8 > 0:
		return nil, "", wrongEncoding(
			"line %d is not UTF-8, though the file begins with its mark: mend the line", c.notUTF8,
		)
	case given == encodingLatin1, given != encodingUTF8 && c.notUTF8 > 0 && !c.letters:
		return charmap.Windows1252, "Latin-1 (Windows-1252)", nil
	case given == encodingUTF8 && c.notUTF8 > 0:
		return nil, "", wrongEncoding("line %d is not UTF-8: mend it, or give latin-1 if the file is that", c.notUTF8)
	case c.notUTF8 > 0:
		return nil, "", wrongEncoding(
			"line %d is not UTF-8, though letters of other lines are: mend it, or give latin-1 if the file is that",
			c.notUTF8,
		)
	}
	return nil, "UTF-8", nil
}

func wrongEncoding(format string, args ...any) error {
	return apperr.InvalidField("encoding", apperr.ReasonImportEncodingWrong, format, args...)
}
