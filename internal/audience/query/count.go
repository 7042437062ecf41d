package query

import (
	"context"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// Count returns the exact number of people that the audience reaches, in one statement.
func (s *Service) Count(ctx context.Context, target Target) (int64, error) {
	text, args, err := s.CountStatement(ctx, target)
	if err != nil || text == "" {
		return 0, err
	}
	var n int64
	err = s.read(ctx, text, args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// CountStatement returns the statement of Count and its arguments, for inspection and measurement.
// The text is empty for an audience without criteria.
func (s *Service) CountStatement(ctx context.Context, target Target) (text string, args []any, err error) {
	p, err := s.planned(ctx, target)
	if err != nil || len(p.criteria) == 0 {
		return "", nil, err
	}
	return s.text(p.count(), p.hints(countHint))
}

// fewPeople is the number of people up to which SQLite looks up the rows of each person.
const fewPeople = 2000

// planned is plan for a statement that reads all people on the lists. The query planner of SQLite
// does not consider the number of people, so planned runs a query for it if it matters. The planner
// of MySQL does consider it.
func (s *Service) planned(ctx context.Context, target Target) (*plan, error) {
	p, err := s.plan(ctx, target)
	if err != nil || len(p.criteria) == 0 || p.dialect != dialect.SQLite || !p.byRows {
		return p, err
	}
	some, r := p.statement().table(entsubscriber.Table)
	some.SelectExpr(sql.Raw("1")).Where(among(r.C(entsubscriber.FieldListID), p.listsExplained()...)).Limit(fewPeople)
	found := 0
	err = s.run(ctx, some, "", func(*sql.Rows) error { found++; return nil })
	sized := *p
	sized.few = found < fewPeople
	return &sized, err
}

// hints adds to the hints of a statement that reads everybody that the criteria select.
func (p *plan) hints(some string) string {
	if p.byAddress {
		return some
	}
	return some + notByAddress
}

const (
	// countHint stops MySQL from guessing the distribution of columns without an index. It guesses
	// that one row in ten is subscribed, and then prefers to look up events for each person, all
	// over the table, instead of collecting them along the index of the campaign.
	countHint = "SET_VAR(optimizer_switch = 'duplicateweedout=off,condition_fanout_filter=off')"
	// notByAddress excludes the index on list and address. MySQL then reads the other index of the
	// list, in the order of subscriber ids, which is also the order of field values and of the rows
	// of both tables.
	notByAddress = " NO_INDEX(`t1` `subscriber_list_id_email_key`)"
)

func (p *plan) count() *sql.Selector {
	s := p.statement()
	s.whole = true
	if p.severalLists() && p.operator == rules.Or && len(p.exclude) == 0 &&
		!slices.ContainsFunc(parts(p.criteria, p.operator), func(a part) bool { return a.where.isEmpty() }) {
		return sql.Dialect(p.dialect).SelectExpr(sql.Raw("COUNT(*)")).From(p.contacts(s).As("reached"))
	}
	query, r := p.reached(s)
	if p.severalLists() {
		return query.SelectExpr(sql.Raw("COUNT(DISTINCT " + r.C(entsubscriber.FieldContactID) + ")"))
	}
	return query.SelectExpr(sql.Raw("COUNT(*)"))
}

// contacts is a SELECT of the reached contacts without duplicates, list by list. If every list has
// rules, each list can use an index of its own. It is not used if a whole list is selected, because
// then there are too many contacts to keep.
func (p *plan) contacts(s *statement) *sql.Selector {
	var union *sql.Selector
	for _, list := range lists(p.criteria) {
		one := *p
		one.criteria = slices.DeleteFunc(slices.Clone(p.criteria), func(c criterion) bool { return c.listID != list })
		query, r := one.reached(s)
		query.Select(r.C(entsubscriber.FieldContactID))
		if union == nil {
			union = query
			continue
		}
		union.Union(query)
	}
	return union
}

// Waterfall shows how the selected rows are reduced to the reached rows. It counts rows: a contact
// on two lists counts twice until it is removed as a duplicate. Every row that is not reached is
// counted in exactly one part, the first that applies, so that Matched is the sum of all others.
type Waterfall struct {
	// Matched is the number of rows that the criteria select, in any state.
	Matched int64
	// Excluded rows have a contact that an exclusion selects.
	Excluded int64
	// NotSubscribed rows are unsubscribed, or not confirmed yet, on that list.
	NotSubscribed int64
	// Suppressed rows have an address on the account's suppression list.
	Suppressed int64
	// Bounced rows have a contact to whom nothing can be delivered.
	Bounced int64
	// Duplicates are reached through a row with a lower id.
	Duplicates int64
	// Reached is the number of people that the audience reaches, as in Count.
	Reached int64
}

// The parts of a waterfall, as numbers in the statement.
const (
	fateReached = iota
	fateExcluded
	fateNotSubscribed
	fateSuppressed
	fateBounced
)

// Waterfall returns how the selected rows are reduced to the reached rows, in one statement.
func (s *Service) Waterfall(ctx context.Context, target Target) (Waterfall, error) {
	var w Waterfall
	p, err := s.planned(ctx, target)
	if err != nil || len(p.criteria) == 0 {
		return w, err
	}
	err = s.run(ctx, p.waterfall(), p.hints(countHint), func(rows *sql.Rows) error {
		var fate int
		var n, contacts int64
		if err := rows.Scan(&fate, &n, &contacts); err != nil {
			return err
		}
		w.Matched += n
		switch fate {
		case fateExcluded:
			w.Excluded = n
		case fateNotSubscribed:
			w.NotSubscribed = n
		case fateSuppressed:
			w.Suppressed = n
		case fateBounced:
			w.Bounced = n
		default:
			w.Duplicates, w.Reached = n-contacts, contacts
		}
		return nil
	})
	return w, err
}

func (p *plan) waterfall() *sql.Selector {
	s := p.statement()
	s.whole = true
	inner, r := s.from(entsubscriber.Table)
	inner.Where(p.chosen(s, r))
	s.told = true // the following conditions are columns and do not filter rows
	fate := func(b *sql.Builder) {
		b.WriteString("CASE WHEN ").Join(p.excluded(s, r)).WriteString(" THEN ").Arg(fateExcluded)
		b.WriteString(" WHEN ").
			Join(sql.NEQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed))).
			WriteString(" THEN ").
			Arg(fateNotSubscribed)
		b.WriteString(" WHEN ").Join(suppressed(s, r)).WriteString(" THEN ").Arg(fateSuppressed)
		b.WriteString(" WHEN ").
			Join(undeliverable(r)).
			WriteString(" THEN ").
			Arg(fateBounced)
		b.WriteString(" ELSE ").Arg(fateReached).WriteString(" END")
	}
	inner.AppendSelectExprAs(sql.ExprFunc(fate), "fate")
	if !p.severalLists() {
		// Every row is a distinct contact.
		return numbered(inner, []string{"fate"}).AppendSelectExprAs(sql.Raw("COUNT(*)"), "contacts")
	}
	inner.AppendSelectAs(r.C(entsubscriber.FieldContactID), entsubscriber.FieldContactID)
	return s.derived(inner, "rated").
		AppendSelect("fate").
		AppendSelectExprAs(sql.Raw("COUNT(*)"), numberColumn).
		AppendSelectExprAs(sql.Raw("COUNT(DISTINCT CASE WHEN fate = 0 THEN contact_id END)"), "contacts").
		GroupBy("fate")
}
