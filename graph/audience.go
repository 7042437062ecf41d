package graph

import (
	"context"
	"strings"

	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
)

// audienceFields says what the fields of the audience of a campaign read.
var audienceFields = fields{
	"id":        reads("id"),
	"form":      reads("audience"),
	"include":   reads("audience"),
	"exclude":   reads("audience"),
	"rules":     reads("audience"),
	"rulesJson": reads("audience"),
	"count":     reads(query.CampaignColumns...),
	"preview":   reads(query.CampaignColumns...),
	"waterfall": reads(query.CampaignColumns...),
	"explain":   reads(query.CampaignColumns...),
}

func (r queryResolver) Audience(ctx context.Context, input model.AudienceInput) (*model.AudienceDraft, error) {
	patch, err := audienceOf(&input)
	var read rules.Audience
	if err == nil {
		read, err = patch.Audience()
	}
	var shown *model.Audience
	if err == nil {
		shown, err = r.preparedAudience(ctx, read)
	}
	return (*model.AudienceDraft)(shown), renamed(
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
		byID, err := r.Subscribers.ByIDs(
			ctx,
			mapped(found, func(f query.Recipient) int64 { return f.SubscriberID }),
			asked.columns()...)
		if err != nil {
			return nil, nil, err
		}
		people = make(map[int64]*model.Subscriber, len(byID))
		for id, row := range byID {
			people[id] = shownSubscriber(row)
		}
	}
	if asks(ctx, "list") && len(found) > 0 {
		byID, err := r.Services.Lists.ByIDs(
			ctx,
			idsOf(found, func(f query.Recipient) int64 { return f.ListID }),
			selected(ctx, listFields, [][]string{{"list"}}).columns()...)
		if err != nil {
			return nil, nil, err
		}
		lists = make(map[int64]*model.SubscriberList, len(byID))
		for id, row := range byID {
			lists[id] = shownList(row)
		}
	}
	return people, lists, err
}

func (r partResolver) List(ctx context.Context, parts []*model.AudiencePart) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(parts, func(p *model.AudiencePart) *int64 { return &p.ListID }))
}

func (r partResolver) Segment(ctx context.Context, parts []*model.AudiencePart) ([]*model.Segment, error) {
	return r.segmentsOf(ctx, mapped(parts, func(p *model.AudiencePart) *int64 { return p.SegmentID }))
}

func (r criterionResolver) List(
	ctx context.Context, criteria []*query.ExplainedCriterion,
) ([]*model.SubscriberList, error) {
	return r.listsOf(ctx, mapped(criteria, func(c *query.ExplainedCriterion) *int64 { return &c.ListID }))
}

func (r segmentResolver) SubscriberCount(ctx context.Context, s *model.Segment) (*int32, error) {
	return r.counted(ctx, query.OfSegment(s.Segment))
}

// The fields of an audience that is not saved are those of one that is.

func (r draftResolver) saved() audienceResolver { return audienceResolver(r) }

func (r draftResolver) Count(ctx context.Context, a *model.AudienceDraft) (*int32, error) {
	return r.saved().Count(ctx, (*model.Audience)(a))
}

func (r draftResolver) Waterfall(ctx context.Context, a *model.AudienceDraft) (*query.Waterfall, error) {
	return r.saved().Waterfall(ctx, (*model.Audience)(a))
}

func (r draftResolver) Explain(ctx context.Context, a *model.AudienceDraft) (*query.Explanation, error) {
	return r.saved().Explain(ctx, (*model.Audience)(a))
}

func (r draftResolver) Preview(
	ctx context.Context, a *model.AudienceDraft, first int32,
) ([]*model.AudienceRecipient, error) {
	return r.saved().Preview(ctx, (*model.Audience)(a), first)
}
