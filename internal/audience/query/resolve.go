package query

import (
	"context"
	"math"
	"strconv"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/budget"
	"campaignql/internal/kind"
)

// Recipient is a person that the audience reaches, and the subscription through which.
type Recipient struct {
	ContactID    int64
	SubscriberID int64
	ListID       int64
	Email        string
}

// Sizes of the id ranges that are read, in subscribed people per list. A range of Resolve holds at
// most largestRange people, or smallestRange people of each list.
const (
	smallestRange = 500
	largestRange  = 8000
)

// MaxPreview is the maximum size of a preview.
const MaxPreview = 250

// Preview returns the first recipients in the order of Resolve. If first is below 0 or above
// MaxPreview, the error is Invalid, reason "page_size", on the field first. Preview reads the
// people of the lists range by range until it has enough, so it needs few statements if the
// audience reaches many.
func (s *Service) Preview(ctx context.Context, target Target, first int) ([]Recipient, error) {
	if first < 0 || first > MaxPreview {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be from 0 to %d", MaxPreview)
	}
	p, err := s.plan(ctx, target)
	if err != nil || first == 0 {
		return nil, err
	}
	var found []Recipient
	err = s.stream(ctx, p, 0, func(some []Recipient) (bool, error) {
		found = append(found, some...)
		return len(found) < first, nil
	})
	return found[:min(first, len(found))], err
}

// Resolve calls visit with batches of all recipients whose subscriber id is above after, in the
// order of that id. An error of visit stops it. Resolve holds one batch in memory, and no
// connection while visit runs. visit may keep the slice.
//
// To resume, pass the id of the last recipient and the same Target.At. The rest is then the same as
// long as the subscribers do not change. If a subscriber changes in between, another row of the
// same contact may be reached later. A caller that must not send to a contact twice must remember
// the contacts.
func (s *Service) Resolve(ctx context.Context, target Target, after int64, visit func([]Recipient) error) error {
	p, err := s.plan(ctx, target)
	if err != nil {
		return err
	}
	return s.stream(ctx, p, after, func(some []Recipient) (bool, error) { return true, visit(some) })
}

// stream reads the audience by ranges of ids until visit returns false. Ranges are computed from
// the subscribed people, along an index, before the rules are evaluated. A statement therefore
// never reads more than one range, even if the audience reaches few people. Ranges grow, because a
// caller that reads only the first few needs no large one.
func (s *Service) stream(
	ctx context.Context, p *plan, after int64, visit func([]Recipient) (more bool, err error),
) error {
	if len(p.criteria) == 0 {
		return nil
	}
	size := smallestRange
	for {
		last, err := s.rangeEnd(ctx, p, after, size)
		if err != nil {
			return err
		}
		more, err := s.visitRange(ctx, p, after, last, visit)
		if err != nil || !more || last == math.MaxInt64 {
			return err
		}
		after = last
		size = min(2*size, max(smallestRange, largestRange/len(lists(p.criteria))))
	}
}

// visitRange calls visit with the recipients of a range, if there are any. Their memory is charged
// only until visit returns.
func (s *Service) visitRange(
	ctx context.Context, p *plan, after, last int64, visit func([]Recipient) (more bool, err error),
) (more bool, err error) {
	inner, held := budget.Portion(ctx, 0)
	defer held.Close()
	found, err := s.recipients(inner, p, after, last)
	if err != nil || len(found) == 0 {
		return true, err
	}
	return visit(found)
}

// rangeEnd returns the id up to which no list has more than size subscribed people after the id
// after.
func (s *Service) rangeEnd(ctx context.Context, p *plan, after int64, size int) (int64, error) {
	end := int64(math.MaxInt64)
	err := s.run(ctx, p.ends(after, size), optimizerHint, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		end = min(end, id)
		return err
	})
	return end, err
}

// ends selects, for each list with at least size such people, the id of the last one.
func (p *plan) ends(after int64, size int) *sql.Selector {
	s := p.statement()
	var union *sql.Selector
	for i, list := range lists(p.criteria) {
		ids, r := s.from(entsubscriber.Table)
		ids.Select(r.C(entsubscriber.FieldID)).
			Where(sql.EQ(r.C(entsubscriber.FieldListID), list)).
			Where(sql.EQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed))).
			Where(sql.GT(r.C(entsubscriber.FieldID), after)).
			OrderBy(r.C(entsubscriber.FieldID)).Limit(1).Offset(size - 1)
		// SQLite accepts a LIMIT in a part of a union only within a derived table.
		end := sql.Dialect(p.dialect).Select("*").From(ids.As("l" + strconv.Itoa(i)))
		if union == nil {
			union = end
			continue
		}
		union.UnionAll(end)
	}
	return union
}

func (s *Service) recipients(ctx context.Context, p *plan, after, last int64) ([]Recipient, error) {
	var found []Recipient
	err := s.run(ctx, p.recipients(after, last), optimizerHint, func(rows *sql.Rows) error {
		var r Recipient
		err := rows.Scan(&r.SubscriberID, &r.ListID, &r.ContactID, &r.Email)
		found = append(found, r)
		return err
	})
	return found, err
}

func (p *plan) recipients(after, last int64) *sql.Selector {
	s := p.statement()
	query, r := p.reached(s)
	id := r.C(entsubscriber.FieldID)
	query.Select(id, r.C(entsubscriber.FieldListID), r.C(entsubscriber.FieldContactID), r.C(entsubscriber.FieldEmail)).Where(sql.GT(id, after))
	if last < math.MaxInt64 {
		query.Where(sql.LTE(id, last))
	}
	if p.severalLists() {
		query.Where(not(p.repeated(s, r)))
	}
	return query.OrderBy(id)
}
