package graph

import (
	"context"
	"fmt"
	"strings"

	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
)

func (r mutationResolver) AddSubscribers(
	ctx context.Context, input model.AddSubscribersInput,
) (*model.AddSubscribersPayload, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	asked := selected(ctx, subscriberFields, [][]string{{"results", "subscriber"}})
	if len(asked.asked) > 0 {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return nil, err // before anything is written
		}
	}
	addition, err := readAddition(input)
	var results []subscriber.Result
	if err == nil {
		results, err = r.Subscribers.Add(ctx, addition, given(input.IdempotencyKey))
		err = renamed(
			err, func(fault *apperr.Error) string { return strings.Replace(fault.Field, "rows", "subscribers", 1) },
		)
	}
	problems, err := toUserErrors(ctx, err)
	payload := &model.AddSubscribersPayload{Results: []*model.AddSubscriberResult{}, UserErrors: problems}
	if err != nil || len(problems) > 0 {
		return payload, err
	}
	return payload, r.showResults(ctx, payload, input, results, asked)
}

// readAddition reads the rows. An id that cannot be decoded is a fault of the whole request.
func readAddition(input model.AddSubscribersInput) (subscriber.Addition, error) {
	in := subscriber.Addition{
		Update: or(input.UpdateExisting, false), Resubscribe: or(input.Resubscribe, false),
		Rows: make([]subscriber.Row, len(input.Subscribers)),
	}
	var faults apperr.Faults
	var err error
	in.ListID, err = identify(gid.SubscriberList, "listId", input.ListID)
	faults.Add(err)
	if len(input.Subscribers) == 0 {
		faults.Add(apperr.InvalidField("subscribers", apperr.ReasonRowsRequired, "must have at least one row"))
	}
	for i, row := range input.Subscribers {
		values, err := customValues(fmt.Sprintf("subscribers[%d].fields", i), row.Fields.Value())
		faults.Add(err)
		in.Rows[i] = subscriber.Row{
			Email:        row.EmailAddress,
			IP:           value(row.IPAddress.Value()),
			SubscribedAt: row.SubscribedAt.Value(),
			OptedInAt:    row.OptedInAt.Value(),
			Fields:       values,
		}
	}
	return in, faults.Err()
}

// showResults writes the result of each row to the payload.
func (r *resolver) showResults(
	ctx context.Context, payload *model.AddSubscribersPayload, input model.AddSubscribersInput,
	results []subscriber.Result, asked selection,
) error {
	shown := map[int64]*model.Subscriber{}
	if len(asked.asked) > 0 {
		var written []int64
		for _, result := range results {
			if result.SubscriberID != 0 {
				written = append(written, result.SubscriberID)
			}
		}
		found, err := r.Subscribers.ByIDs(ctx, written, asked.columns()...)
		if err != nil {
			return err
		}
		for id, row := range found {
			shown[id] = shownSubscriber(row)
		}
	}
	unreachable, err := r.unreachable(ctx, results)
	if err != nil {
		return err
	}
	for i, result := range results {
		told := &model.AddSubscriberResult{
			Outcome: result.Outcome, Subscriber: shown[result.SubscriberID], UserErrors: []*model.UserError{},
			Unreachable: unreachable[result.ContactID],
		}
		switch result.Outcome {
		case subscriber.Added:
			payload.AddedCount++
		case subscriber.Rejected:
			payload.RejectedCount++
			var err error
			told.UserErrors, err = toUserErrors(
				ctx, renamed(result.Err, personField(fmt.Sprintf("subscribers[%d].", i), input.Subscribers[i].Fields.Value(), nil)),
			)
			if err != nil {
				return err
			}
		default:
		}
		payload.Results = append(payload.Results, told)
	}
	return nil
}

// unreachable reads why no mail is sent to the people of the results, if that is asked for.
func (r *resolver) unreachable(
	ctx context.Context, results []subscriber.Result,
) (map[int64][]subscriber.Unreachable, error) {
	if len(selected(ctx, nil, [][]string{{"results"}}).named("unreachable")) == 0 {
		return nil, nil
	}
	var ids []int64
	for _, result := range results {
		if result.ContactID != 0 {
			ids = append(ids, result.ContactID)
		}
	}
	return r.Subscribers.Unreachable(ctx, ids)
}
