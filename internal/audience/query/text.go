package query

import (
	"math"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// expression is a text of a row, as SQL of columns and constants.
type expression func(s *statement, r row) string

func column(name string) expression {
	return func(_ *statement, r row) string { return r.C(name) }
}

// isText reports whether an operator is about text, whatever the type of the field.
func isText(op rules.FieldOperator) bool {
	return op == rules.Contains || op == rules.BeginsWith || op == rules.EndsWith
}

// textComparison compares a folded text of at most limit characters with the value as it was given.
// A text that is empty is no text: it contains nothing and comes neither before nor after anything.
func textComparison(text expression, limit int, op rules.FieldOperator, value string) condition {
	value = foldedFor(op, value)
	length := utf8.RuneCountInString(value)
	if length > limit {
		// No text is as long, so that one character more tells as much as all of them.
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
			// What is equal but for spaces at the end is equal to MySQL, which the index serves.
			return written("("+t+" = ? AND CHAR_LENGTH("+t+") = ?)", value, length)
		case op == rules.Is:
			return written(t+" = ?", value)
		}
		return written("("+t+" <> '' AND "+s.bytes(t)+" "+comparisons[op]+" "+s.bytes("?")+")", value)
	}
}

// columnComparison is textComparison of a column. For MySQL it says of a beginning between which
// texts those lie that have it, which an index serves. LIKE would be wrong: along an index both
// MySQL and MariaDB look for it up to the beginning and U+FFFF, and do not find it before an emoji,
// which comes later.
func columnComparison(name string, limit int, op rules.FieldOperator, value string) condition {
	comparison := textComparison(column(name), limit, op, value)
	beginning := foldedFor(op, value)
	if op != rules.BeginsWith || beginning == "" || utf8.RuneCountInString(beginning) > limit {
		return comparison
	}
	return func(s *statement, r row) *sql.Predicate {
		if s.dialect != dialect.MySQL {
			return comparison(s, r)
		}
		// Texts are padded with spaces where they are compared, so that one which goes on with a
		// control character comes before its beginning.
		parts := []*sql.Predicate{sql.GTE(r.C(name), beginning+"\x00"), comparison(s, r)}
		if end := successor(beginning); end != "" {
			parts = append(parts, sql.LT(r.C(name), end))
		}
		return all(parts...)
	}
}

// successor is the first text, in the order of code points, after all that begin with a text; empty
// where there is none.
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

// Between these there are no characters.
const (
	surrogatesBegin = 0xD800
	surrogatesEnd   = rune(0xE000)
)

// foldedFor folds a value as the texts it is compared with are folded. The spaces around a part of a text count.
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
