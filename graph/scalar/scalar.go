// Package scalar owns the encoding and decoding of the schema's own scalars. An invalid value is a
// typed Invalid error, so that no error text of the Go runtime reaches a client.
package scalar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

func invalid(format string, args ...any) error {
	return apperr.New(apperr.Invalid, format, args...)
}

// MarshalBigInt encodes a 64-bit number as a decimal string.
func MarshalBigInt(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		buf := make([]byte, 0, 24)
		buf = append(buf, '"')
		buf = strconv.AppendInt(buf, n, 10)
		_, _ = w.Write(append(buf, '"'))
	})
}

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

// MarshalDateTime encodes a time in UTC.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		buf := make([]byte, 0, 40)
		buf = append(buf, '"')
		buf = t.UTC().AppendFormat(buf, time.RFC3339Nano)
		_, _ = w.Write(append(buf, '"'))
	})
}

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

// MarshalDate encodes a date. An empty date is null.
func MarshalDate(text string) graphql.Marshaler { return optional(text) }

// UnmarshalDate decodes YYYY-MM-DD. The day must exist.
func UnmarshalDate(v any) (string, error) {
	text, ok := v.(string)
	if _, err := time.Parse(time.DateOnly, text); !ok || err != nil {
		return "", invalid("%s is not a date YYYY-MM-DD that exists", repeat(v))
	}
	return text, nil
}

// MarshalLocalTime encodes a wall clock time. An empty time is null.
func MarshalLocalTime(text string) graphql.Marshaler { return optional(text) }

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

// MarshalTimeZone encodes a time zone as it was stored. An empty zone is null.
func MarshalTimeZone(text string) graphql.Marshaler { return optional(text) }

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

// MarshalEmailAddress encodes an address. An empty address is null.
func MarshalEmailAddress(text string) graphql.Marshaler { return optional(text) }

// UnmarshalEmailAddress decodes a bare address. An empty string means no address.
func UnmarshalEmailAddress(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", invalid("an EmailAddress is a string, such as \"jane@example.com\"")
	}
	if text == "" {
		return "", nil
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > 254 {
		return "", invalid("%s is not an email address", quote(text))
	}
	return text, nil
}

// JSON is any JSON value, stored as its text.
type JSON json.RawMessage

// MarshalJSON encodes a JSON value. An empty one is null.
func MarshalJSON(v JSON) graphql.Marshaler {
	if len(v) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(v) })
}

// UnmarshalJSON decodes any value. A string is taken as the text of a JSON document, because old
// scripts send JSON in this form.
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

func optional(text string) graphql.Marshaler {
	if text == "" {
		return graphql.Null
	}
	return graphql.MarshalString(text)
}

// quote returns a string for use in a message, shortened and readable.
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

// MarshalID encodes an id.
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

// MarshalInt encodes a number of 32 bits.
func MarshalInt(n int32) graphql.Marshaler { return MarshalCount(int64(n)) }

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

// MarshalCount encodes a counter, which is stored in 64 bits and returned as an Int.
func MarshalCount(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var buf [20]byte
		_, _ = w.Write(strconv.AppendInt(buf[:0], n, 10))
	})
}

// UnmarshalCount decodes the same values as UnmarshalInt.
func UnmarshalCount(v any) (int64, error) {
	n, err := UnmarshalInt(v)
	return int64(n), err
}

// MarshalPlainInt encodes an int.
func MarshalPlainInt(n int) graphql.Marshaler { return MarshalCount(int64(n)) }

// UnmarshalPlainInt decodes the same values as UnmarshalInt.
func UnmarshalPlainInt(v any) (int, error) {
	n, err := UnmarshalInt(v)
	return int(n), err
}
