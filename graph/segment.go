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
	"rulesJson":       reads("rules"),
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
	var faults apperr.Faults
	listID, err := identify(gid.SubscriberList, "listId", input.ListID)
	faults.Add(err)
	rules := segmentRulesOf(input.Rules.Value(), input.RulesJSON.Value(), &faults)
	var s *ent.Segment
	if err = faults.Err(); err == nil {
		in := segment.Input{ListID: listID, Name: input.Name, Rules: value(rules.text)}
		s, err = r.Segments.Create(ctx, in, given(input.IdempotencyKey))
		err = rules.named(err)
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
	rules := segmentRulesOf(input.Rules.Value(), input.RulesJSON.Value(), &faults)
	patch.Rules = rules.text
	if clears(input.Clear, "", &faults).has(model.SegmentFieldRules, rules.field, rules.text != nil) {
		patch.Rules = new(string)
	}
	var s *ent.Segment
	if err = faults.Err(); err == nil {
		s, err = r.Segments.Update(ctx, id, patch, payloadSegment.selected(ctx).columns()...)
		err = rules.named(err)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateSegmentPayload{Segment: shownSegment(s), UserErrors: problems}, err
}

// segmentRules are the rules of a segment in the legacy syntax.
type segmentRules struct {
	// field is the field of the input that has them.
	field string
	// text is nil if the input has no rules.
	text *string
	// named names the places of faults of the domain in the form in which the rules were given.
	named func(err error) error
}

// segmentRulesOf reads the rules of a segment in one of their forms.
func segmentRulesOf(typed *model.RuleGroupInput, legacy *string, faults *apperr.Faults) segmentRules {
	const typedField, legacyField = "rules", "rulesJson"
	switch {
	case typed != nil && legacy != nil:
		faults.Add(apperr.InvalidField(
			legacyField, apperr.ReasonAudienceInvalid, "is the same as rules: give one of the two",
		))
		return segmentRules{field: legacyField, text: legacy}
	case typed != nil:
		text, places, err := typedSegment(typed, typedField)
		faults.Add(err)
		return segmentRules{field: typedField, text: &text, named: places.moved}
	default:
		return segmentRules{field: legacyField, text: legacy, named: func(err error) error {
			return renamed(err, func(fault *apperr.Error) string {
				if fault.Field == typedField {
					return legacyField
				}
				return fault.Field
			})
		}}
	}
}

func (r mutationResolver) DeleteSegments(
	ctx context.Context, input model.DeleteSegmentsInput,
) (*model.DeleteSegmentsPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.Segment, input.Ids, r.Segments.Delete)
	return &model.DeleteSegmentsPayload{DeletedIds: deleted, UserErrors: problems}, err
}
