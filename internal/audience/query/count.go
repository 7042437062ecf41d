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

// Count returns how many people the audience reaches, exactly, in one statement.
func (s *Service) Count(ctx context.Context, target Target) (int64, error) {
	text, args, err := s.CountStatement(ctx, target)
	if err != nil || text == "" {
		return 0, err
	}
	var n int64
	err = s.read(ctx, text, args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// CountStatement returns the statement by which Count counts, and its arguments, to be looked at
// and measured. It is empty for an audience without criteria.
func (s *Service) CountStatement(ctx context.Context, target Target) (text string, args []any, err error) {
	p, err := s.planned(ctx, target)
	if err != nil || len(p.criteria) == 0 {
		return "", nil, err
	}
	return s.text(p.count(), p.hints(countHint))
}

// fewPeople is how many are looked at one by one on SQLite.
const fewPeople = 2000

// planned is plan for a statement about everybody on the lists. SQLite does not choose by how many
// people there are, so it is asked first where that matters; MySQL does.
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

// hints adds to hints for a statement about everybody whom the criteria choose.
func (p *plan) hints(some string) string {
	if p.byAddress {
		return some
	}
	return some + notByAddress
}

const (
	// countHint has MySQL, which knows the spread of no column without an index, not guess it: by
	// its guess one in ten is subscribed, and to look for events person by person, all over the
	// table, seems cheaper than to collect them along the index of the campaign.
	countHint = "SET_VAR(optimizer_switch = 'duplicateweedout=off,condition_fanout_filter=off')"
	// notByAddress leaves the other index of the list to be read, where people come in the order of
	// their ids, as do their fields and the rows of both tables.
	notByAddress = " NO_INDEX(`t1` `subscriber_list_id_email_key`)"
)

func (p *plan) count() *sql.Selector {
	s := p.statement()
	s.whole = true
	if p.severalLists() && p.operator == rules.Or && len(p.exclude) == 0 &&
		!slices.ContainsFunc(parts(p.criteria, p.operator), func(a part) bool { return a.where.isEmpty() }) {
		return sql.Dialect(p.dialect).SelectExpr(sql.Raw("COUNT(*)")).From(p.addresses(s).As("reached"))
	}
	query, r := p.reached(s)
	if p.severalLists() {
		return query.SelectExpr(sql.Raw("COUNT(DISTINCT " + r.C(entsubscriber.FieldEmailKey) + ")"))
	}
	return query.SelectExpr(sql.Raw("COUNT(*)"))
}

// addresses is a SELECT of the addresses that are written to, each once, list by list: where every
// list has rules, an index of its own serves each. Of lists whose people are all meant there are
// too many addresses to be kept.
func (p *plan) addresses(s *statement) *sql.Selector {
	var union *sql.Selector
	for _, list := range lists(p.criteria) {
		one := *p
		one.criteria = slices.DeleteFunc(slices.Clone(p.criteria), func(c criterion) bool { return c.listID != list })
		query, r := one.reached(s)
		query.Select(r.C(entsubscriber.FieldEmailKey))
		if union == nil {
			union = query
			continue
		}
		union.Union(query)
	}
	return union
}

// Waterfall is how those who are chosen come down to those who are reached, in rows: an address on
// two lists is two until it is a duplicate. Every row that is not reached is counted in one part
// alone, the first of those it belongs to, so that Matched is the sum of all others.
type Waterfall struct {
	// Matched is the rows that the criteria choose, in whatever state.
	Matched int64
	// Excluded: the address is chosen by an exclusion.
	Excluded int64
	// NotSubscribed: unsubscribed, or not confirmed yet, on that list.
	NotSubscribed int64
	// Suppressed: the account never writes to the address.
	Suppressed int64
	// Bounced: hard, on that list.
	Bounced int64
	// Duplicates: reached through a row with a lower id.
	Duplicates int64
	// Reached is who the audience goes to, as Count says it.
	Reached int64
}

// The parts of a waterfall, as the statement tells them.
const (
	fateReached = iota
	fateExcluded
	fateNotSubscribed
	fateSuppressed
	fateBounced
)

// Waterfall returns how those who are chosen come down to those who are reached, in one statement.
func (s *Service) Waterfall(ctx context.Context, target Target) (Waterfall, error) {
	var w Waterfall
	p, err := s.planned(ctx, target)
	if err != nil || len(p.criteria) == 0 {
		return w, err
	}
	err = s.run(ctx, p.waterfall(), p.hints(countHint), func(rows *sql.Rows) error {
		var fate int
		var n, addresses int64
		if err := rows.Scan(&fate, &n, &addresses); err != nil {
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
			w.Duplicates, w.Reached = n-addresses, addresses
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
	s.told = true // what follows tells and does not choose
	fate := func(b *sql.Builder) {
		b.WriteString("CASE WHEN ").Join(p.excluded(s, r)).WriteString(" THEN ").Arg(fateExcluded)
		b.WriteString(" WHEN ").
			Join(sql.NEQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed))).
			WriteString(" THEN ").
			Arg(fateNotSubscribed)
		b.WriteString(" WHEN ").Join(suppressed(s, r)).WriteString(" THEN ").Arg(fateSuppressed)
		b.WriteString(" WHEN ").
			Join(sql.EQ(r.C(entsubscriber.FieldBounce), string(kind.BounceHard))).
			WriteString(" THEN ").
			Arg(fateBounced)
		b.WriteString(" ELSE ").Arg(fateReached).WriteString(" END")
	}
	inner.AppendSelectExprAs(sql.ExprFunc(fate), "fate")
	if !p.severalLists() {
		// Every row is an address of its own.
		return numbered(inner, []string{"fate"}).AppendSelectExprAs(sql.Raw("COUNT(*)"), "addresses")
	}
	inner.AppendSelectAs(r.C(entsubscriber.FieldEmailKey), entsubscriber.FieldEmailKey)
	return s.derived(inner, "rated").
		AppendSelect("fate").
		AppendSelectExprAs(sql.Raw("COUNT(*)"), numberColumn).
		AppendSelectExprAs(sql.Raw("COUNT(DISTINCT CASE WHEN fate = 0 THEN email_key END)"), "addresses").
		GroupBy("fate")
}
