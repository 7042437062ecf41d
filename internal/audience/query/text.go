package query

import (
	"math"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

// expression is a text value of a row, as SQL of columns and constants.
type expression func(s *statement, r row) string

func column(name string) expression {
	return func(_ *statement, r row) string { return r.C(name) }
}

// isText reports whether an operator compares text, whatever the type of the field.
func isText(op rules.FieldOperator) bool {
	return op == rules.Contains || op == rules.BeginsWith || op == rules.EndsWith
}

// textComparison compares a folded text of at most limit characters with the given value, which is
// folded in the same way. An empty text counts as no text: it contains nothing and is neither before
// nor after any value.
func textComparison(text expression, limit int, op rules.FieldOperator, value string) condition {
	length := utf8.RuneCountInString(value)
	if length > limit {
		// No text is longer than limit, so limit+1 characters of the value give the same result as
		// all.
		value, length = kind.Cut(value, limit+1), limit+1
	}
	return func(s *statement, r row) *sql.Predicate {
		t := text(s, r)
		switch {
		case op == rules.IsSet:
			return written(t + " <> ''")
		case length > limit && (isText(op) || op == rules.Is):
			return holds(false)
		case op == rules.Contains:
			return like(t, "%", value, "%")
		case op == rules.BeginsWith && s.dialect == dialect.MySQL:
			return written("("+s.bytes("LEFT("+t+", ?)")+" = "+s.bytes("?")+")", length, value)
		case op == rules.BeginsWith:
			return like(t, "", value, "%")
		case op == rules.EndsWith:
			return like(t, "%", value, "")
		case op == rules.Is && s.dialect == dialect.MySQL:
			// MySQL ignores trailing spaces in "=", which can use the index. CHAR_LENGTH makes the
			// comparison exact.
			return written("("+t+" = ? AND CHAR_LENGTH("+t+") = ?)", value, length)
		case op == rules.Is:
			return written(t+" = ?", value)
		}
		return written("("+t+" <> '' AND "+s.bytes(t)+" "+comparisons[op]+" "+s.bytes("?")+")", value)
	}
}

// columnComparison is textComparison for a column. For BeginsWith on MySQL it adds a range of
// texts, which can use an index. LIKE would return wrong results: for a prefix, the index scan of
// MySQL and MariaDB ends at the prefix followed by U+FFFF and misses texts in which an emoji
// follows, because it sorts later.
func columnComparison(name string, limit int, op rules.FieldOperator, value string) condition {
	comparison := textComparison(column(name), limit, op, value)
	if op != rules.BeginsWith || value == "" || utf8.RuneCountInString(value) > limit {
		return comparison
	}
	return func(s *statement, r row) *sql.Predicate {
		if s.dialect != dialect.MySQL {
			return comparison(s, r)
		}
		// MySQL pads texts with spaces before it compares them. A text that continues with a
		// control character is therefore before its own prefix.
		parts := []*sql.Predicate{sql.GTE(r.C(name), value+"\x00"), comparison(s, r)}
		if end := successor(value); end != "" {
			parts = append(parts, sql.LT(r.C(name), end))
		}
		return all(parts...)
	}
}

// successor returns the first text, in the order of code points, after all texts with this prefix,
// or "" if there is none.
func successor(text string) string {
	runes := []rune(text)
	for i := len(runes) - 1; i >= 0; i-- {
		switch next := runes[i] + 1; {
		case next == surrogatesBegin:
			return string(runes[:i]) + string(surrogatesEnd)
		case next <= utf8.MaxRune:
			return string(runes[:i]) + string(next)
		}
	}
	return ""
}

// There are no characters between these code points.
const (
	surrogatesBegin = 0xD800
	surrogatesEnd   = rune(0xE000)
)

// addressComparison compares the key of the address. A value that is compared with whole addresses
// gets a key as they do. A part is folded like the local part, and its labels are also compared as
// the A-labels of a domain.
func addressComparison(op rules.FieldOperator, value string) condition {
	name := entsubscriber.FieldEmailKey
	value = kind.Clean(value)
	if !isText(op) {
		return columnComparison(name, address.MaxLength, op, address.Key(value))
	}
	parts := address.Parts(value)
	comparisons := make([]condition, len(parts))
	for i, part := range parts {
		comparisons[i] = columnComparison(name, address.MaxLength, op, part)
	}
	return func(s *statement, r row) *sql.Predicate {
		alternatives := make([]*sql.Predicate, len(comparisons))
		for i, comparison := range comparisons {
			alternatives[i] = comparison(s, r)
		}
		return anyOf(alternatives...)
	}
}

// foldedFor folds a value in the same way as the texts of names and values that it is compared with.
// Spaces around a part of a text count.
func foldedFor(op rules.FieldOperator, value string) string {
	value = kind.Clean(value)
	if isText(op) {
		return kind.FoldPart(value)
	}
	return kind.Fold(value, math.MaxInt)
}

// comparisons are the operators that are the same in SQL.
var comparisons = map[rules.FieldOperator]string{
	rules.Is:               "=",
	rules.IsLessThan:       "<",
	rules.IsLessOrEqual:    "<=",
	rules.IsGreaterThan:    ">",
	rules.IsGreaterOrEqual: ">=",
}
