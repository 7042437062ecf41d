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

// Encodings that the caller can specify.
const (
	encodingUTF8   = "utf-8"
	encodingLatin1 = "latin-1"
)

// content is what a scan of the whole file finds.
type content struct {
	digest string
	// start holds the first two bytes.
	start []byte
	// notUTF8 is the first line with bytes that are not UTF-8, or 0 if there is none.
	notUTF8 int
	// marked means that the file begins with the UTF-8 byte order mark.
	marked bool
	// letters means that the file has valid UTF-8 letters outside ASCII.
	letters bool
}

// scan reads the whole file.
func scan(file io.Reader) (content, error) {
	hash := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(file, hash), 64<<10)
	c, line := content{}, 1
	start, _ := in.Peek(2) // a short file is not an error
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

// utf16Marks are the byte order marks of UTF-16 files, as spreadsheets write them.
var utf16Marks = [][]byte{{0xFF, 0xFE}, {0xFE, 0xFF}}

// decoding returns the decoder for the file, or nil if it needs none, and the name of the encoding.
// Latin-1 is decoded as Windows-1252, which is the same except for characters like the euro sign
// that Latin-1 does not have.
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
