package query

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent/fieldvalue"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
)

// Maximum lengths of the columns, in characters.
const (
	maxIP  = 45
	maxKey = 255
)

// field returns the condition of a rule on a field. "is not", "does not contain" and "is not set"
// match whenever the opposite operator does not match, so they also match people without a value.
// The other comparisons match only people with a value.
func (b *binder) field(f rules.Field, at string) condition {
	op, opposite := f.Operator, false
	switch op {
	case rules.IsNot:
		op, opposite = rules.Is, true
	case rules.DoesNotContain:
		op, opposite = rules.Contains, true
	case rules.IsNotSet:
		op, opposite = rules.IsSet, true
	}
	if op == rules.Is && f.Value == "" {
		op, opposite = rules.IsSet, !opposite
	}
	if f.CustomID > 0 {
		return negated(opposite, b.customField(f.CustomID, op, f.Value, at))
	}
	return negated(opposite, b.ownField(f.Name, op, f.Value))
}

// ownField compares a built-in field. The parser has already checked that the value can be
// compared.
func (b *binder) ownField(name rules.FieldName, op rules.FieldOperator, value string) condition {
	switch name {
	case rules.SubscriptionDate:
		return b.ownDate(entsubscriber.FieldSubscribedAt, op, value)
	case rules.OptInDate:
		return b.ownDate(entsubscriber.FieldOptedInAt, op, value)
	case rules.SubscriptionIP:
		if op == rules.Is {
			value = canonicalIP(value)
		}
		return columnComparison(entsubscriber.FieldSubscriptionIP, maxIP, op, foldedFor(op, value))
	case rules.SubscriberID:
		return subscriberID(op, value)
	default:
		b.byAddress = true
		return addressComparison(op, value)
	}
}

// canonicalIP returns an IP address in the form in which it is stored.
func canonicalIP(text string) string {
	if ip, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil && ip.Zone() == "" {
		return ip.Unmap().String()
	}
	return text
}

// subscriberID compares the id. Every subscriber has one.
func subscriberID(op rules.FieldOperator, value string) condition {
	if op == rules.IsSet {
		return func(*statement, row) *sql.Predicate { return holds(true) }
	}
	if isText(op) {
		return textComparison(idText, maxIDDigits, op, foldedFor(op, value))
	}
	id, _ := strconv.ParseInt(value, 10, 64)
	return func(_ *statement, r row) *sql.Predicate {
		return written(r.C(entsubscriber.FieldID)+" "+comparisons[op]+" ?", id)
	}
}

const maxIDDigits = 20

func idText(s *statement, r row) string {
	if s.dialect == dialect.MySQL {
		return "CAST(" + r.C(entsubscriber.FieldID) + " AS CHAR)"
	}
	return "CAST(" + r.C(entsubscriber.FieldID) + " AS TEXT)"
}

// ownDate compares an instant with a moment on the owner's clock. Text operators compare the text
// that this clock showed: YYYY-MM-DD HH:MM:SS.
func (b *binder) ownDate(name string, op rules.FieldOperator, value string) condition {
	if isText(op) {
		comparison := textComparison(clockText(name, b.zone, b.at), len(time.DateTime), op, foldedFor(op, value))
		return func(s *statement, r row) *sql.Predicate { return all(sql.NotNull(r.C(name)), comparison(s, r)) }
	}
	m, _ := rules.ParseMoment(value)
	return momentComparison(name, op, m.Start(b.zone), m.End(b.zone))
}

// momentComparison compares an instant with the span from its start (inclusive) to its end
// (exclusive). A row without an instant matches no comparison.
func momentComparison(name string, op rules.FieldOperator, from, to time.Time) condition {
	from, to = kept(from), kept(to)
	return func(_ *statement, r row) *sql.Predicate {
		at := r.C(name)
		given := sql.NotNull(at)
		switch op {
		case rules.IsLessThan:
			return all(given, sql.LT(at, from))
		case rules.IsLessOrEqual:
			return all(given, sql.LT(at, to))
		case rules.IsGreaterThan:
			return all(given, sql.GTE(at, to))
		case rules.IsGreaterOrEqual:
			return all(given, sql.GTE(at, from))
		case rules.IsSet:
			return given
		default:
			return all(given, sql.GTE(at, from), sql.LT(at, to))
		}
	}
}

// The first and the last instant that MySQL can store. No stored instant is outside.
var (
	firstInstant = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant  = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
)

func kept(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(firstInstant):
		return firstInstant
	case t.After(lastInstant):
		return lastInstant
	}
	return t
}

// customField compares a custom field by its type, or as text if the operator is a text operator.
// Texts are compared by their first 255 characters.
func (b *binder) customField(id int64, op rules.FieldOperator, value, at string) condition {
	comparison := b.typed(id, op, value, at)
	b.byRows = true
	return func(s *statement, r row) *sql.Predicate {
		values, v := s.ofOwned(fieldvalue.Table, fieldvalue.FieldCustomFieldID, id)
		return s.some(values.Where(comparison(s, v)), v.C(fieldvalue.FieldSubscriberID), r.C(entsubscriber.FieldID), "")
	}
}

func (b *binder) typed(id int64, op rules.FieldOperator, value, at string) condition {
	field := b.known.fields[id]
	if op != rules.IsSet && !isText(op) {
		trimmed := strings.TrimSpace(value)
		switch field {
		case kind.FieldNumber:
			number, ok := subscriber.Number(trimmed)
			if !ok {
				b.fault(
					apperr.ReasonAudienceInvalid, at,
					"the custom field %d holds numbers, expected one such as 12.5, of at most %d", id,
					subscriber.MaxNumber,
				)
			}
			return numberComparison(op, number)
		case kind.FieldBoolean:
			number, ok := subscriber.Boolean(trimmed)
			if !ok {
				b.fault(apperr.ReasonAudienceInvalid, at, "the custom field %d holds true or false", id)
			}
			return numberComparison(op, number)
		case kind.FieldDate:
			m, ok := rules.ParseMoment(trimmed)
			if !ok {
				b.fault(
					apperr.ReasonAudienceInvalid, at,
					"the custom field %d holds dates, expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS", id,
				)
			}
			return momentComparison(fieldvalue.FieldDate, op, m.Start(time.UTC), m.End(time.UTC))
		}
	}
	value = foldedFor(op, value)
	if n := len([]rune(value)); n > maxKey {
		b.fault(apperr.ReasonAudienceInvalid, at, "%d characters long, texts are compared by their first %d", n, maxKey)
	}
	return columnComparison(fieldvalue.FieldTextKey, maxKey, op, value)
}

// numberComparison compares numbers with the stored precision: ten decimal places in MySQL.
func numberComparison(op rules.FieldOperator, value float64) condition {
	return func(s *statement, r row) *sql.Predicate {
		number := r.C(fieldvalue.FieldNumber)
		comparison := fmt.Sprintf("(%s IS NOT NULL AND %s %s ", number, number, comparisons[op])
		if s.dialect == dialect.MySQL {
			return written(comparison+"CAST(? AS DECIMAL(30,10)))", strconv.FormatFloat(value, 'f', -1, 64))
		}
		return written(comparison+"?)", value)
	}
}
