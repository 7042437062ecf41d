package query

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsegment "campaignql/ent/segment"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
)

// SegmentColumns are the columns that OfSegment reads.
var SegmentColumns = []string{entsegment.FieldID, entsegment.FieldUserID, entsegment.FieldListID}

// OfSegment returns a segment as an audience for the segment's owner.
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

// Members returns a condition for a SELECT of another package on the rows of subscribers. The
// condition is true if the subscriber is on the list of the segment and matches its rules, in any
// state. Members reads the id, user_id, list_id and rules of the segment. The condition may be used
// in several statements. All of them count days back from the instant of this call.
func (s *Service) Members(ctx context.Context, segment *ent.Segment) (func(*sql.Selector), error) {
	target := OfSegment(segment)
	target.read = segment
	p, err := s.plan(ctx, target)
	if err != nil {
		return nil, err
	}
	return p.members, nil
}

// Matching is Members for rules that are not saved, of people on a list. It reads the id and the
// user_id of the list, which the caller of ctx can see. Like Check it requires no scope. The errors
// are on the field "rules".
func (s *Service) Matching(
	ctx context.Context, list *ent.SubscriberList, where rules.Group,
) (func(*sql.Selector), error) {
	b, err := s.listBinder(ctx, list.UserID, list.ID, where, false)
	if err != nil {
		return nil, err
	}
	p := &plan{dialect: s.db.Dialect(), owner: list.UserID, operator: rules.Or}
	p.criteria = []criterion{{path: fieldRules, listID: list.ID, where: b.group(where, list.ID, fieldRules)}}
	p.byAddress, p.byRows = b.byAddress, b.byRows
	return p.members, b.faults.Err()
}

// members adds to a SELECT on subscribers the condition that the criteria select the row, in any
// state.
func (p *plan) members(query *sql.Selector) {
	st := p.statement()
	own, r := st.from(entsubscriber.Table)
	// This is a separate subquery that MySQL must not merge into the outer statement. The reason is
	// described at optimizerHint, which cannot be used here because it is valid only at the
	// beginning of a whole statement.
	query.Where(sql.Exists(own.SelectExpr(sql.Raw("/*+ NO_SEMIJOIN() */ 1")).Where(all(
		sql.ColumnsEQ(r.C(entsubscriber.FieldID), query.C(entsubscriber.FieldID)), p.chosen(st, r),
	))))
}
