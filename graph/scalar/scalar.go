// Package scalar owns the encoding and decoding of the schema's own scalars. An invalid value is a
// typed Invalid error, so that no error text of the Go runtime reaches a client.
//
// Each scalar X has the two functions that gqlgen asks for, MarshalX and UnmarshalX, and AppendX, with
// which the generated executor writes it.
package scalar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/schedule"
)

func invalid(format string, args ...any) error {
	return apperr.New(apperr.Invalid, format, args...)
}

// marshaler writes what a function appends.
func marshaler[T any](encode func(buf []byte, v T) []byte, v T) graphql.Marshaler {
	encoded := encode(nil, v)
	if string(encoded) == "null" {
		return graphql.Null // which gqlgen compares by identity
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(encoded) })
}

// AppendBigInt appends a 64-bit number as a decimal string.
func AppendBigInt(buf []byte, n int64) []byte {
	return append(strconv.AppendInt(append(buf, '"'), n, 10), '"')
}

// MarshalBigInt writes what AppendBigInt appends.
func MarshalBigInt(n int64) graphql.Marshaler { return marshaler(AppendBigInt, n) }

// UnmarshalBigInt decodes a decimal string or a whole number that fits into 64 bits.
func UnmarshalBigInt(v any) (int64, error) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	default:
		return 0, invalid("a BigInt is a decimal string, such as \"123\"")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalid("%s is not a 64-bit whole number", quote(text))
	}
	return n, nil
}

// AppendDecimal appends a decimal number as a string.
func AppendDecimal(buf []byte, text string) []byte { return AppendString(buf, text) }

// MarshalDecimal writes what AppendDecimal appends.
func MarshalDecimal(text string) graphql.Marshaler { return marshaler(AppendDecimal, text) }

// maxDecimal is the maximum length of a decimal number.
const maxDecimal = 40

// UnmarshalDecimal decodes a decimal string, such as "12.50", or a number. The result is its text.
func UnmarshalDecimal(v any) (string, error) {
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case int64:
		text = strconv.FormatInt(v, 10)
	case int:
		text = strconv.Itoa(v)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !digits(whole) || dotted && !digits(fraction) || len(text) > maxDecimal {
		return "", invalid("%s is not a decimal number, such as \"12.50\"", repeat(v))
	}
	return text, nil
}

// digits reports whether a text is one or more digits.
func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// AppendDateTime appends an instant in UTC.
func AppendDateTime(buf []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(buf, '"'), time.RFC3339Nano), '"')
}

// MarshalDateTime writes what AppendDateTime appends.
func MarshalDateTime(t time.Time) graphql.Marshaler { return marshaler(AppendDateTime, t) }

// UnmarshalDateTime decodes RFC 3339 with a zone, for the years 1000 to 9999, which the databases
// support. The result is in UTC, truncated to microseconds.
func UnmarshalDateTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, invalid("a DateTime is a string, such as \"2026-11-23T10:00:00Z\"")
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1000 || t.UTC().Year() > 9999 {
		return time.Time{}, invalid("%s is not a date and time with a zone, such as 2026-11-23T10:00:00Z", quote(text))
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// AppendDate appends a date. The empty string is null.
func AppendDate(buf []byte, text string) []byte { return appendOptional(buf, text) }

// MarshalDate writes what AppendDate appends.
func MarshalDate(text string) graphql.Marshaler { return marshaler(AppendDate, text) }

// UnmarshalDate decodes YYYY-MM-DD. The day must exist.
func UnmarshalDate(v any) (string, error) {
	text, ok := v.(string)
	if _, err := time.Parse(time.DateOnly, text); !ok || err != nil {
		return "", invalid("%s is not a date YYYY-MM-DD that exists", repeat(v))
	}
	return text, nil
}

// AppendLocalTime appends a wall clock time. The empty string is null.
func AppendLocalTime(buf []byte, text string) []byte { return appendOptional(buf, text) }

// MarshalLocalTime writes what AppendLocalTime appends.
func MarshalLocalTime(text string) graphql.Marshaler { return marshaler(AppendLocalTime, text) }

// UnmarshalLocalTime decodes HH:MM or HH:MM:SS.
func UnmarshalLocalTime(v any) (string, error) {
	text, ok := v.(string)
	for _, layout := range []string{"15:04", "15:04:05"} {
		if _, err := time.Parse(layout, text); ok && err == nil && len(text) == len(layout) {
			return text, nil
		}
	}
	return "", invalid("%s is not a time HH:MM or HH:MM:SS", repeat(v))
}

// AppendTimeZone appends a zone as it was stored. The empty string is null.
func AppendTimeZone(buf []byte, text string) []byte { return appendOptional(buf, text) }

// MarshalTimeZone writes what AppendTimeZone appends.
func MarshalTimeZone(text string) graphql.Marshaler { return marshaler(AppendTimeZone, text) }

// UnmarshalTimeZone decodes any time zone that the product supports.
func UnmarshalTimeZone(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", invalid("a TimeZone is a string, such as \"Europe/Berlin\"")
	}
	if _, err := schedule.ParseZone(text); err != nil {
		return "", err
	}
	return text, nil
}

// AppendEmailAddress appends an address. The empty string is null.
func AppendEmailAddress(buf []byte, text string) []byte { return appendOptional(buf, text) }

// MarshalEmailAddress writes what AppendEmailAddress appends.
func MarshalEmailAddress(text string) graphql.Marshaler { return marshaler(AppendEmailAddress, text) }

// UnmarshalEmailAddress decodes a bare address, without blanks and invisible characters at its ends.
// An empty string means no address.
func UnmarshalEmailAddress(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", invalid("an EmailAddress is a string, such as \"jane@example.com\"")
	}
	a, err := address.Parse(text)
	switch {
	case err == nil, errors.Is(err, address.ErrEmpty):
		return a.Text, nil
	case errors.Is(err, address.ErrLiteral):
		return address.Trim(text), nil // the domain refuses it, as a user error
	default:
		return "", invalid("%s is not an email address: it %v", quote(text), err)
	}
}

// JSON is any JSON value, stored as its text.
type JSON json.RawMessage

// AppendJSON appends a JSON value as it is. An empty one is null.
func AppendJSON(buf []byte, v JSON) []byte {
	if len(v) == 0 {
		return append(buf, "null"...)
	}
	return append(buf, v...)
}

// MarshalJSON writes what AppendJSON appends.
func MarshalJSON(v JSON) graphql.Marshaler { return marshaler(AppendJSON, v) }

// UnmarshalJSON reads any value. A string is taken as the text of a JSON document, as old scripts send it.
func UnmarshalJSON(v any) (JSON, error) {
	if text, ok := v.(string); ok {
		return JSON(kind.Clean(text)), nil
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, invalid("not a JSON value")
	}
	return JSON(bytes.TrimRight(buf.Bytes(), "\n")), nil
}

func appendOptional(buf []byte, text string) []byte {
	if text == "" {
		return append(buf, "null"...)
	}
	return AppendString(buf, text)
}

// AppendString appends a text with the escapes that gqlgen writes.
func AppendString(buf []byte, text string) []byte {
	buf = append(buf, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, text[start:i]...)
		start = i + 1
		switch c {
		case '\t':
			buf = append(buf, `\t`...)
		case '\r':
			buf = append(buf, `\r`...)
		case '\n':
			buf = append(buf, `\n`...)
		case '\\', '"':
			buf = append(buf, '\\', c)
		default:
			const hex = "0123456789ABCDEF"
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(append(buf, text[start:]...), '"')
}

// AppendBoolean appends true or false.
func AppendBoolean(buf []byte, v bool) []byte { return strconv.AppendBool(buf, v) }

// quote repeats a value in a message, shortened and readable.
func quote(text string) string { return strconv.Quote(kind.Cut(kind.Clean(text), 60)) }

// repeat returns a value of any type for use in a message. For lists and objects it returns only
// the kind.
func repeat(v any) string {
	switch v := v.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return quote(fmt.Sprint(v))
	}
}

// AppendID appends an id.
func AppendID(buf []byte, text string) []byte { return AppendString(buf, text) }

// MarshalID writes an id.
func MarshalID(text string) graphql.Marshaler { return graphql.MarshalString(text) }

// UnmarshalID decodes an id: a string, or the number of a legacy id.
func UnmarshalID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case int:
		return strconv.Itoa(v), nil
	default:
		return "", invalid("an ID is a string or a whole number")
	}
}

// AppendInt appends a number.
func AppendInt(buf []byte, n int32) []byte { return strconv.AppendInt(buf, int64(n), 10) }

// MarshalInt writes what AppendInt appends.
func MarshalInt(n int32) graphql.Marshaler { return marshaler(AppendInt, n) }

// UnmarshalInt decodes a whole number that fits into 32 bits.
func UnmarshalInt(v any) (int32, error) {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case int64:
		text = strconv.FormatInt(v, 10)
	case int:
		text = strconv.Itoa(v)
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, invalid("%s is not a whole number of 32 bits", repeat(v))
	}
	return int32(n), nil
}

// AppendCount appends a counter, which is kept in 64 bits and shown as an Int.
func AppendCount(buf []byte, n int64) []byte { return strconv.AppendInt(buf, n, 10) }

// MarshalCount writes what AppendCount appends.
func MarshalCount(n int64) graphql.Marshaler { return marshaler(AppendCount, n) }

// UnmarshalCount decodes the same values as UnmarshalInt.
func UnmarshalCount(v any) (int64, error) {
	n, err := UnmarshalInt(v)
	return int64(n), err
}

// AppendPlainInt appends a number of the size of the machine.
func AppendPlainInt(buf []byte, n int) []byte { return strconv.AppendInt(buf, int64(n), 10) }

// MarshalPlainInt writes what AppendPlainInt appends.
func MarshalPlainInt(n int) graphql.Marshaler { return marshaler(AppendPlainInt, n) }

// UnmarshalPlainInt decodes the same values as UnmarshalInt.
func UnmarshalPlainInt(v any) (int, error) {
	n, err := UnmarshalInt(v)
	return int(n), err
}
