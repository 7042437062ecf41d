package graph

import (
	"context"
	"maps"
	"slices"
	"strings"

	"campaignql/graph/model"
	"campaignql/graph/scalar"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
)

func (r queryResolver) Audience(ctx context.Context, input model.AudienceInput) (*model.Audience, error) {
	patch, err := audienceOf(&input)
	var read rules.Audience
	if err == nil {
		read, err = patch.Audience()
	}
	var shown *model.Audience
	if err == nil {
		shown, err = r.preparedAudience(ctx, read)
	}
	return shown, renamed(
		inForm(err, &input),
		func(fault *apperr.Error) string { return "input" + strings.TrimPrefix(fault.Field, "audience") },
	)
}

// preparedAudience returns an unsaved audience of the caller, ready to be counted.
func (r *resolver) preparedAudience(ctx context.Context, a rules.Audience) (*model.Audience, error) {
	target, err := r.Audiences.Prepare(ctx, query.Target{Audience: a})
	if err != nil || a.IsZero() && len(a.Exclude) == 0 {
		return model.NewAudience(target, nil), err
	}
	canonical, err := a.MarshalJSON()
	return model.NewAudience(target, canonical), err
}

func (r audienceResolver) Count(ctx context.Context, a *model.Audience) (*int32, error) {
	return r.counted(ctx, a.Target)
}

// counted returns how many people a target reaches.
func (r *resolver) counted(ctx context.Context, target query.Target) (*int32, error) {
	n, err := r.Audiences.Count(ctx, target)
	if err != nil {
		return nil, err
	}
	return new(int32(n)), nil
}

func (r audienceResolver) Waterfall(ctx context.Context, a *model.Audience) (*query.Waterfall, error) {
	w, err := r.Audiences.Waterfall(ctx, a.Target)
	if err != nil {
		return nil, err
	}
	return &w, nil
}

func (r audienceResolver) Explain(ctx context.Context, a *model.Audience) (*query.Explanation, error) {
	return r.Audiences.Explain(ctx, a.Target)
}

func (r audienceResolver) Preview(
	ctx context.Context, a *model.Audience, first int32,
) ([]*model.AudienceRecipient, error) {
	found, err := r.Audiences.Preview(ctx, a.Target, int(first))
	if err != nil {
		return nil, err
	}
	return r.shownRecipients(ctx, found)
}

// shownRecipients loads the subscribers and lists that the current field selects. It leaves out
// recipients whose subscriber or list was deleted in the meantime.
func (r *resolver) shownRecipients(ctx context.Context, found []query.Recipient) ([]*model.AudienceRecipient, error) {
	people, lists, err := r.peopleAndLists(ctx, found)
	if err != nil {
		return nil, err
	}
	shown := make([]*model.AudienceRecipient, 0, len(found))
	for _, f := range found {
		one := &model.AudienceRecipient{
			EmailAddress: f.Email, Subscriber: people[f.SubscriberID], List: lists[f.ListID],
		}
		if (people == nil || one.Subscriber != nil) && (lists == nil || one.List != nil) {
			shown = append(shown, one)
		}
	}
	return shown, nil
}

// peopleAndLists loads the fields that the current field selects below recipients. A map is nil if
// its field is not selected.
func (r *resolver) peopleAndLists(
	ctx context.Context, found []query.Recipient,
) (people map[int64]*model.Subscriber, lists map[int64]*model.SubscriberList, err error) {
	if asks(ctx, "subscriber") && len(found) > 0 {
		asked := selected(ctx, subscriberFields, [][]string{{"subscriber"}})
		subscriberIDs := ids(found, func(f query.Recipient) int64 { return f.SubscriberID })
		byID, err := r.Subscribers.ByIDs(ctx, subscriberIDs, asked.columns()...)
		if err != nil {
			return nil, nil, err
		}
		people = make(map[int64]*model.Subscriber, len(byID))
		for _, person := range r.shownSubscribers(ctx, slices.Collect(maps.Values(byID)), asked) {
			people[person.ID] = person
		}
	}
	if asks(ctx, "list") && len(found) > 0 {
		lists, err = r.listsOf(
			ctx, ids(found, func(f query.Recipient) int64 { return f.ListID }),
			selected(ctx, listFields, [][]string{{"list"}}),
		)
	}
	return people, lists, err
}

func (r ruleResolver) Rule(_ context.Context, rule *query.ExplainedRule) (scalar.JSON, error) {
	text, err := rules.RuleJSON(rule.Rule)
	return scalar.JSON(text), err
}

func (r segmentResolver) SubscriberCount(ctx context.Context, s *model.Segment) (*int32, error) {
	return r.counted(ctx, query.OfSegment(s.Segment))
}
