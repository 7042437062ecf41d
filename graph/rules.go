package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/model"
	"campaignql/graph/scalar"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
)

// What rules name is loaded for all rules of a level at once. It is null where it was deleted since.

func (r audienceCriterionResolver) List(
	ctx context.Context, criteria []*model.AudienceCriterion,
) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(criteria, func(c *model.AudienceCriterion) *int64 { return &c.Of.ListID }))
}

func (r fieldRuleResolver) CustomField(ctx context.Context, of []*model.FieldRule) ([]*model.CustomField, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	ids := mapped(of, func(f *model.FieldRule) *int64 {
		if f.Of.CustomID == 0 {
			return nil
		}
		return &f.Of.CustomID
	})
	rows, err := present(ids, func(ids []int64) ([]*ent.CustomField, error) {
		return l.fields.Load(ctx, ids, selected(ctx, customFieldFields, itself).columns())
	})
	return mapped(rows, shownField), err
}

func (r segmentRuleResolver) Segment(ctx context.Context, of []*model.SegmentRule) ([]*model.Segment, error) {
	return r.segmentsOf(ctx, mapped(of, func(s *model.SegmentRule) *int64 { return &s.Of.ID }))
}

// segmentsOf returns the segments with the given ids in their order, with the columns that the current
// field selects, and nil for an id that is nil.
func (r *resolver) segmentsOf(ctx context.Context, ids []*int64) ([]*model.Segment, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := present(ids, func(ids []int64) ([]*ent.Segment, error) {
		return l.segments.Load(ctx, ids, selected(ctx, segmentFields, itself).columns())
	})
	return mapped(rows, shownSegment), err
}

func (r tagRuleResolver) Tags(ctx context.Context, of []*model.TagRule) ([][]*model.SubscriberTag, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	named := func(t *model.TagRule) []int64 { return t.Of.IDs }
	return eachOf(of, named, func(ids []int64) ([]*model.SubscriberTag, error) {
		rows, err := l.labels.Load(ctx, ids, selected(ctx, subscriberTagFields, itself).columns())
		return shownSubscriberTags(rows), err
	})
}

func (r eventRuleResolver) Campaigns(ctx context.Context, of []*model.EventRule) ([][]*model.Campaign, error) {
	named := func(e *model.EventRule) []int64 { return e.Of.CampaignIDs }
	return eachOf(of, named, func(ids []int64) ([]*model.Campaign, error) { return r.campaignsByIDs(ctx, ids) })
}

// eachOf loads what rules name by several ids each, all of them in one call, and returns it for each rule in the
// order of its ids.
func eachOf[R, V any](
	of []R, named func(rule R) []int64, load func(ids []int64) ([]V, error),
) ([][]V, error) {
	var ids []int64
	for _, rule := range of {
		ids = append(ids, named(rule)...)
	}
	var loaded []V
	if len(ids) > 0 {
		var err error
		if loaded, err = load(ids); err != nil {
			return nil, err
		}
	}
	return mapped(of, func(rule R) []V {
		n := len(named(rule))
		own := loaded[:n:n]
		loaded = loaded[n:]
		if own == nil {
			own = []V{}
		}
		return own
	}), nil
}

func (r ruleResolver) Rule(_ context.Context, rule *query.ExplainedRule) (model.AudienceRule, error) {
	return model.NewAudienceRule(rule.Rule), nil
}

func (r ruleResolver) RuleJSON(_ context.Context, rule *query.ExplainedRule) (scalar.JSON, error) {
	text, err := rules.RuleJSON(rule.Rule)
	return scalar.JSON(text), err
}
