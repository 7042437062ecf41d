package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/people/segment"
)

// segmentFields says what the fields of a segment read.
var segmentFields = columnsOf("Segment", fields{
	"list":            reads("list_id"),
	"rules":           reads("rules"),
	"subscriberCount": reads(query.SegmentColumns...),
})

func (r queryResolver) Segment(ctx context.Context, id string) (*model.Segment, error) {
	number, err := identify(gid.Segment, "id", id)
	if err != nil {
		return nil, err
	}
	s, err := r.Segments.Get(ctx, number, selected(ctx, segmentFields, itself).columns()...)
	if err != nil {
		return nil, absent(err)
	}
	return shownSegment(s), nil
}

func (r mutationResolver) CreateSegment(
	ctx context.Context, input model.CreateSegmentInput,
) (*model.CreateSegmentPayload, error) {
	if err := beforeWriting(ctx, payloadSegment); err != nil {
		return nil, err
	}
	listID, err := identify(gid.SubscriberList, "listId", input.ListID)
	var s *ent.Segment
	if err == nil {
		in := segment.Input{ListID: listID, Name: input.Name, Rules: string(input.Rules.Value())}
		s, err = r.Segments.Create(ctx, in, given(input.IdempotencyKey))
	}
	problems, err := toUserErrors(ctx, err)
	return &model.CreateSegmentPayload{Segment: shownSegment(s), UserErrors: problems}, err
}

func (r mutationResolver) UpdateSegment(
	ctx context.Context, input model.UpdateSegmentInput,
) (*model.UpdateSegmentPayload, error) {
	if err := beforeWriting(ctx, payloadSegment); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	id, err := identify(gid.Segment, "id", input.ID)
	faults.Add(err)
	patch := segment.Patch{Name: given(input.Name)}
	rules := input.Rules.Value()
	clear := clears(input.Clear, "", &faults)
	if clear.has(model.SegmentFieldRules, "rules", rules != nil) || rules != nil {
		patch.Rules = new(string(rules))
	}
	var s *ent.Segment
	if err = faults.Err(); err == nil {
		s, err = r.Segments.Update(ctx, id, patch, payloadSegment.selected(ctx).columns()...)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateSegmentPayload{Segment: shownSegment(s), UserErrors: problems}, err
}

func (r mutationResolver) DeleteSegments(
	ctx context.Context, input model.DeleteSegmentsInput,
) (*model.DeleteSegmentsPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.Segment, input.Ids, r.Segments.Delete)
	return &model.DeleteSegmentsPayload{DeletedIds: deleted, UserErrors: problems}, err
}
