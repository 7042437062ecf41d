package direct

import (
	"bytes"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/graph/scalar"
)

// The scalars are written as package scalar and gqlgen write them.

func (w *writer) null() { w.buf = append(w.buf, "null"...) }

func text(w *writer, s string) {
	putText(w, s)
	if len(s) >= uncharged {
		w.charge() // here, where the field is known
	}
}

func putText(w *writer, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			var quoted bytes.Buffer
			graphql.MarshalString(s).MarshalGQL(&quoted)
			w.buf = append(w.buf, quoted.Bytes()...)
			return
		}
	}
	w.buf = append(append(append(w.buf, '"'), s...), '"')
}

func optionalText(w *writer, s *string) {
	if s == nil {
		w.null()
		return
	}
	text(w, *s)
}

// textOrNull is for texts that are kept empty where there is none.
func textOrNull(w *writer, s string) {
	if s == "" {
		w.null()
		return
	}
	text(w, s)
}

// document is JSON that is passed on as it is kept.
func document(w *writer, v scalar.JSON) {
	if len(v) == 0 {
		w.null()
		return
	}
	w.buf = append(w.buf, v...)
}

func optionalBigInt(w *writer, n *int64) {
	if n == nil {
		w.null()
		return
	}
	bigInt(w, *n)
}

func bigInt(w *writer, n int64) {
	w.buf = append(strconv.AppendInt(append(w.buf, '"'), n, 10), '"')
}

func number[N int | int32 | int64](w *writer, n N) { w.buf = strconv.AppendInt(w.buf, int64(n), 10) }

func boolean(w *writer, b bool) { w.buf = strconv.AppendBool(w.buf, b) }

func decimal(w *writer, f float64) { w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, 64) }

func optionalDecimal(w *writer, f *float64) {
	if f == nil {
		w.null()
		return
	}
	decimal(w, *f)
}

func instant(w *writer, t time.Time) {
	w.buf = append(t.UTC().AppendFormat(append(w.buf, '"'), time.RFC3339Nano), '"')
}

func optionalInstant(w *writer, t *time.Time) {
	if t == nil {
		w.null()
		return
	}
	instant(w, *t)
}
