package query

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsegment "campaignql/ent/segment"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
)

// SegmentColumns are the columns OfSegment reads.
var SegmentColumns = []string{entsegment.FieldID, entsegment.FieldUserID, entsegment.FieldListID}

// OfSegment returns a segment as an audience of its own, to be evaluated for the segment's owner.
func OfSegment(s *ent.Segment) Target {
	belongs := rules.Segment{Operator: rules.BelongsTo, ID: s.ID}
	return Target{OwnerID: s.UserID, stored: true, Audience: rules.Audience{
		Form:     rules.FormLists,
		Operator: rules.Or,
		Criteria: []rules.Criterion{
			{ListID: s.ListID, Where: rules.Group{Operator: rules.And, Rules: []rules.Rule{belongs}}},
		},
	}}
}

// Members returns a condition for a SELECT of another package over the rows of subscribers: they
// are on the list of the segment and its rules hold, in whatever state they are. It reads the id,
// user_id, list_id and rules of the segment. The condition may be applied to several statements,
// and counts days back from the instant of this call in all of them.
func (s *Service) Members(ctx context.Context, segment *ent.Segment) (func(*sql.Selector), error) {
	target := OfSegment(segment)
	target.read = segment
	p, err := s.plan(ctx, target)
	if err != nil {
		return nil, err
	}
	return func(query *sql.Selector) {
		st := p.statement()
		own, r := st.from(entsubscriber.Table)
		// A statement of its own within the other's, which MySQL must not merge: see optimizerHint,
		// which can only stand at the beginning of a whole one.
		query.Where(sql.Exists(own.SelectExpr(sql.Raw("/*+ NO_SEMIJOIN() */ 1")).Where(all(
			sql.ColumnsEQ(r.C(entsubscriber.FieldID), query.C(entsubscriber.FieldID)), p.chosen(st, r),
		))))
	}, nil
}
