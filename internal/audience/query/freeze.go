package query

import (
	"context"
	"math"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
)

// Selection is a SELECT to insert rows from.
type Selection struct {
	// Text begins with SELECT. Hints are for MySQL and belong behind the INSERT.
	Text, Hints string
	Args        []any
}

// Ranges divides the subscribed people on the lists of a target into ranges of contacts, above the
// contact after. It returns the last contact of each range, in ascending order. A range holds at
// most size subscriptions. It runs two statements, which read the lists once. The target must come
// from Prepare.
func (s *Service) Ranges(ctx context.Context, target Target, after int64, size int) ([]int64, error) {
	p, err := s.plan(ctx, target)
	if err != nil || len(p.criteria) == 0 {
		return nil, err
	}
	var ends []int64
	scan := func(rows *sql.Rows) error {
		var id sql.NullInt64
		err := rows.Scan(&id)
		if last := len(ends); id.Valid && (last == 0 || ends[last-1] < id.Int64) {
			ends = append(ends, id.Int64)
		}
		return err
	}
	if err := s.run(ctx, p.rangeEnds(after, size), optimizerHint, scan); err != nil {
		return nil, err
	}
	return ends, s.run(ctx, p.lastContact(after), optimizerHint, scan)
}

// rangeEnds selects every contact whose position is a multiple of size.
func (p *plan) rangeEnds(after int64, size int) *sql.Selector {
	s := p.statement()
	inner, r := p.listed(s, after)
	contact := r.C(entsubscriber.FieldContactID)
	inner.Select(contact).AppendSelectExprAs(sql.Raw("ROW_NUMBER() OVER (ORDER BY "+contact+")"), "position")
	return sql.Dialect(p.dialect).Select(entsubscriber.FieldContactID).From(inner.As("ranked")).
		Where(written("position % ? = 0", size)).OrderBy(entsubscriber.FieldContactID)
}

// lastContact selects the contact with the highest id.
func (p *plan) lastContact(after int64) *sql.Selector {
	s := p.statement()
	query, r := p.listed(s, after)
	return query.SelectExpr(sql.Raw("MAX(" + r.C(entsubscriber.FieldContactID) + ")"))
}

// listed is a SELECT of the subscribed people on the lists of the criteria.
func (p *plan) listed(s *statement, after int64) (*sql.Selector, row) {
	query, r := s.from(entsubscriber.Table)
	return query.Where(among(r.C(entsubscriber.FieldListID), lists(p.criteria)...)).
		Where(sql.EQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed))).
		Where(sql.GT(r.C(entsubscriber.FieldContactID), after)), r
}

// Contacts returns a SELECT of the contacts in a range that a target reaches, without duplicates: the
// constants, the contact, and the subscription through which it is reached, which is the one with
// the lowest id. The range begins after the contact after and ends with last. The target must come
// from Prepare, and must have criteria.
func (s *Service) Contacts(
	ctx context.Context, target Target, after, last int64, constants ...int64,
) (Selection, error) {
	p, err := s.plan(ctx, target)
	if err != nil {
		return Selection{}, err
	}
	st := p.statement()
	query, r := p.reached(st)
	contact := r.C(entsubscriber.FieldContactID)
	query.Where(sql.GT(contact, after))
	if last < math.MaxInt64 {
		query.Where(sql.LTE(contact, last))
	}
	for _, value := range constants {
		query.AppendSelectExpr(written("?", value))
	}
	query.AppendSelect(contact).AppendSelectExpr(sql.Raw("MIN(" + r.C(entsubscriber.FieldID) + ")")).GroupBy(contact)
	text, args := query.Query()
	if err := query.Err(); err != nil {
		return Selection{}, err
	}
	selection := Selection{Text: text, Args: args, Hints: optimizerHint}
	if strings.Count(text, "EXISTS (") > wholeSearch {
		selection.Hints += shortSearch
	}
	if p.dialect == dialect.SQLite {
		// Its planner would read the whole list for each range.
		from := "FROM `subscribers` AS `t1`"
		selection.Text = strings.Replace(text, from, from+" INDEXED BY `subscriber_contact_id_list_id`", 1)
	}
	return selection, nil
}
