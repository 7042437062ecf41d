package model

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/graph/scalar"
)

// Unspeakable is the text over which the marshalers of Text and Shade panic.
const Unspeakable = "unspeakable"

// unspeakable is what they panic with.
const unspeakable = "panic of a marshaler"

// AppendDay appends a day. The empty string is null.
func AppendDay(buf []byte, day string) []byte {
	if day == "" {
		return append(buf, "null"...)
	}
	return scalar.AppendString(buf, day)
}

// MarshalDay writes what AppendDay appends.
func MarshalDay(day string) graphql.Marshaler {
	if day == "" {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendDay(nil, day)) })
}

// UnmarshalDay reads a day: any text that is not bad.
func UnmarshalDay(v any) (string, error) {
	text, ok := v.(string)
	if !ok || text == "bad" {
		return "", errors.New("not a day")
	}
	return text, nil
}

// MarshalText writes a text. The empty string is null.
func MarshalText(text string) graphql.Marshaler {
	switch text {
	case "":
		return graphql.Null
	case Unspeakable:
		panic(unspeakable)
	}
	return graphql.MarshalString(text)
}

// UnmarshalText reads a text.
func UnmarshalText(v any) (string, error) { return graphql.UnmarshalString(v) }

// Blob is some bytes.
type Blob []byte

// AppendBlob appends the bytes in base64. None are an empty string.
func AppendBlob(buf []byte, v Blob) []byte {
	return append(base64.StdEncoding.AppendEncode(append(buf, '"'), v), '"')
}

// MarshalBlob writes what AppendBlob appends.
func MarshalBlob(v Blob) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendBlob(nil, v)) })
}

// UnmarshalBlob reads base64.
func UnmarshalBlob(v any) (Blob, error) {
	return base64.StdEncoding.DecodeString(fmt.Sprint(v))
}

// Point marshals itself.
type Point struct{ X, Y int }

// MarshalGQL implements [graphql.Marshaler].
func (p Point) MarshalGQL(w io.Writer) { fmt.Fprintf(w, `"%d/%d"`, p.X, p.Y) }

// UnmarshalGQL implements [graphql.Unmarshaler].
func (p *Point) UnmarshalGQL(v any) error {
	_, err := fmt.Sscanf(fmt.Sprint(v), "%d/%d", &p.X, &p.Y)
	return err
}

// MarshalRatio writes a number that is finite.
func MarshalRatio(v float64) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		if math.IsNaN(v) {
			return errors.New("not a ratio")
		}
		_, err := io.WriteString(w, strconv.FormatFloat(v, 'f', 3, 64))
		return err
	})
}

// UnmarshalRatio reads a number.
func UnmarshalRatio(_ context.Context, v any) (float64, error) { return graphql.UnmarshalFloat(v) }

// Weight marshals itself if it is not negative.
type Weight float64

// MarshalGQLContext implements [graphql.ContextMarshaler].
func (v Weight) MarshalGQLContext(_ context.Context, w io.Writer) error {
	if v < 0 {
		return errors.New("not a weight")
	}
	_, err := io.WriteString(w, strconv.FormatFloat(float64(v), 'f', 1, 64))
	return err
}

// UnmarshalGQLContext implements [graphql.ContextUnmarshaler].
func (v *Weight) UnmarshalGQLContext(_ context.Context, from any) error {
	f, err := graphql.UnmarshalFloat(from)
	*v = Weight(f)
	return err
}

// Word has no marshaler of its own.
type Word string

// Secret is only an argument.
type Secret string

// UnmarshalSecret reads a text that is not bad.
func UnmarshalSecret(v any) (Secret, error) {
	switch text := fmt.Sprint(v); text {
	case "bad":
		return "", errors.New("a bad secret")
	case "worse":
		panic("panic over a secret")
	default:
		return Secret(text), nil
	}
}

// MarshalSecret is never called.
func MarshalSecret(v Secret) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// Mood is an enum that marshals itself, in capitals.
type Mood string

// MarshalGQL implements [graphql.Marshaler].
func (m Mood) MarshalGQL(w io.Writer) { fmt.Fprintf(w, "%q", strings.ToUpper(string(m))) }

// UnmarshalGQL implements [graphql.Unmarshaler].
func (m *Mood) UnmarshalGQL(v any) error {
	*m = Mood(strings.ToLower(fmt.Sprint(v)))
	return nil
}

// MarshalShade writes one of two values. The empty string is null.
func MarshalShade(v string) graphql.Marshaler {
	switch {
	case v == "":
		return graphql.Null
	case v == Unspeakable:
		panic(unspeakable)
	case len(v)%2 == 0:
		return graphql.MarshalString("DARK")
	}
	return graphql.MarshalString("LIGHT")
}

// UnmarshalShade reads an enum.
func UnmarshalShade(v any) (string, error) { return fmt.Sprint(v), nil }

// Size is an enum that is a number in Go.
type Size int

// The sizes.
const (
	Small Size = iota
	Medium
	Large
)
