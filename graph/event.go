package graph

import (
	"context"
	"math"
	"strconv"

	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
)

func (r mutationResolver) RecordEvents(
	ctx context.Context, input model.RecordEventsInput,
) (*model.RecordEventsPayload, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeDelivery); err != nil {
		return nil, err
	}
	var results []event.Result
	var err error
	if len(input.Events) == 0 {
		err = apperr.InvalidField("events", apperr.ReasonEventsRequired, "must have at least one event")
	} else {
		results, err = r.Events.Record(ctx, readEvents(input.Events))
	}
	problems, err := toUserErrors(ctx, err)
	payload := &model.RecordEventsPayload{Results: make([]*model.EventResult, len(results)), UserErrors: problems}
	for i, result := range results {
		payload.Results[i] = shownResult(result)
		switch result.Outcome {
		case event.Recorded:
			payload.RecordedCount++
		case event.Duplicate:
			payload.DuplicateCount++
		case event.Rejected:
			payload.RejectedCount++
		}
	}
	return payload, err
}

func shownResult(result event.Result) *model.EventResult {
	shown := &model.EventResult{ID: result.ID, Result: result.Outcome}
	if result.Err == nil {
		return shown
	}
	code, _ := userCode(result.Err.Code) // an event is rejected only for faults that its sender can correct
	message := result.Err.Error()
	shown.Code, shown.Reason, shown.Message = &code, userReason(result.Err), &message
	return shown
}

// units returns an amount as a number. The domain refuses one that is not to be kept.
func units(amount string) float64 {
	n, err := strconv.ParseFloat(amount, 64)
	if err != nil {
		return math.Inf(1) // larger than any number
	}
	return n
}

// readEvents converts the events. An invalid id is a fault of its event only.
func readEvents(in []*model.EventInput) []event.Event {
	events := make([]event.Event, len(in))
	for i, e := range in {
		var faults apperr.Faults
		read := event.Event{
			ID:        e.ID,
			Kind:      e.Kind,
			Email:     value(e.EmailAddress.Value()),
			At:        e.At,
			URL:       value(e.URL.Value()),
			Reason:    value(e.Reason.Value()),
			UserAgent: value(e.UserAgent.Value()),
			IP:        value(e.IP.Value()),
		}
		if amount := e.Amount.Value(); amount != nil {
			read.Amount, read.Currency = units(amount.Amount), value(amount.Currency.Value())
		}
		var err error
		read.CampaignID, err = identify(gid.Campaign, "campaignId", e.CampaignID)
		faults.Add(err)
		if text := e.SubscriberID.Value(); text != nil {
			read.SubscriberID, err = identify(gid.Subscriber, "subscriberId", *text)
			faults.Add(err)
		}
		if text := e.ContactID.Value(); text != nil {
			read.ContactID, err = identify(gid.Contact, "contactId", *text)
			faults.Add(err)
		}
		if scope := e.Scope.Value(); scope != nil {
			read.Scope = *scope
		}
		read.Fault = faults.Err()
		events[i] = read
	}
	return events
}
