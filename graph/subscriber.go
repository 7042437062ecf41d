package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
)

// subscriberFields says what the fields of a subscriber read.
var subscriberFields = columnsOf("Subscriber", fields{
	"subscriptionIp": reads("subscription_ip"),
	"list":           reads("list_id"),
	"contact":        reads("contact_id"),
	"fields":         reads("id"),
	"tags":           reads("id"),
	"suppression":    reads("id", "user_id", "email_key"),
})

// maxSearch is the maximum length of a search text, in characters.
const maxSearch = 250

func (r queryResolver) Subscriber(ctx context.Context, id string) (*model.Subscriber, error) {
	number, err := identify(gid.Subscriber, "id", id)
	if err != nil {
		return nil, err
	}
	found, err := r.Subscribers.ByIDs(ctx, []int64{number}, selected(ctx, subscriberFields, itself).columns()...)
	return shownSubscriber(found[number]), err
}

func subscriberOrder(by *model.SubscriberOrder) subscriber.Order {
	order := subscriber.ByAddress
	if by == nil {
		return order
	}
	switch by.Field {
	case model.SubscriberOrderFieldCreatedAt:
		order = subscriber.ByID
	case model.SubscriberOrderFieldSubscribedAt:
		order = subscriber.BySubscription
	case model.SubscriberOrderFieldOptedInAt:
		order = subscriber.ByOptIn
	case model.SubscriberOrderFieldUnsubscribedAt:
		order = subscriber.ByUnsubscription
	case model.SubscriberOrderFieldEmailAddress:
	}
	order.Desc = value(given(by.Direction)) == model.OrderDirectionDesc
	return order
}

// subscriberFilter reads the conditions, without the list.
func subscriberFilter(in *model.SubscriberFilter) (subscriber.Filter, error) {
	var filter subscriber.Filter
	if in == nil {
		return filter, nil
	}
	var faults apperr.Faults
	filter.Statuses, filter.Bounces, filter.Suppressed = in.Status.Value(), in.Bounce.Value(), in.Suppressed.Value()
	filter.Active = in.Active.Value()
	filter.Search = searched(&faults, "filter.search", value(in.Search.Value()))
	if field := in.Field.Value(); field != nil {
		if filter.Search != "" {
			faults.Add(
				apperr.InvalidField("filter.field", apperr.ReasonFilterSearches, "give search or field, not both"),
			)
		}
		id, err := identify(gid.CustomField, "filter.field.fieldId", field.FieldID)
		faults.Add(err)
		filter.SearchField, filter.Search = id, searched(&faults, "filter.field.contains", field.Contains)
		if filter.Search == "" {
			faults.Add(apperr.InvalidField("filter.field.contains", apperr.ReasonSearchRequired, "is required"))
		}
	}
	if filter.Addresses = in.EmailAddresses.Value(); len(filter.Addresses) > maxIDs {
		faults.Add(apperr.InvalidField(
			"filter.emailAddresses", apperr.ReasonTooManyAddresses, "%d addresses, at most %d are allowed",
			len(filter.Addresses), maxIDs,
		))
	}
	if span := in.SubscribedAt.Value(); span != nil {
		filter.SubscribedFrom, filter.SubscribedTo = span.From.Value(), span.To.Value()
	}
	if tags := in.Tags.Value(); tags != nil {
		for _, of := range []struct {
			name  string
			texts []string
			ids   *[]int64
		}{{"anyOf", tags.AnyOf.Value(), &filter.TagsAnyOf}, {"allOf", tags.AllOf.Value(), &filter.TagsAllOf}, {"noneOf", tags.NoneOf.Value(), &filter.TagsNoneOf}} {
			if of.texts == nil {
				continue
			}
			ids, err := identifyAll(gid.SubscriberTag, "filter.tags."+of.name, of.texts, maxFilterTags)
			faults.Add(err)
			*of.ids = ids
		}
	}
	return filter, faults.Err()
}

// chosenPeople reads the conditions, and the rules of the segment if one is given.
func (r *resolver) chosenPeople(ctx context.Context, in *model.SubscriberFilter) (subscriber.Filter, error) {
	filter, err := subscriberFilter(in)
	if err != nil || in == nil || in.SegmentID.Value() == nil {
		return filter, err
	}
	const name = "filter.segmentId"
	id, err := identify(gid.Segment, name, *in.SegmentID.Value())
	if err != nil {
		return filter, err
	}
	filter, err = r.Subscribers.InSegment(ctx, filter, id)
	return filter, renamed(err, func(*apperr.Error) string { return name })
}

func searched(faults *apperr.Faults, name, text string) string {
	if utf8.RuneCountInString(text) > maxSearch {
		faults.Add(apperr.InvalidField(name, apperr.ReasonTextTooLong, "at most %d characters are allowed", maxSearch))
	}
	return text
}

// customValues reads values of custom fields. name is their name in the input. A field without a
// value is left out, so that the person keeps the value that is there.
func customValues(name string, in []*model.CustomFieldValueInput) (map[int64]string, error) {
	values := make(map[int64]string, len(in))
	seen := make(map[int64]bool, len(in))
	var faults apperr.Faults
	for i, v := range in {
		at := fmt.Sprintf("%s[%d].fieldId", name, i)
		id, err := identify(gid.CustomField, at, v.FieldID)
		faults.Add(err)
		if seen[id] && err == nil {
			faults.Add(apperr.InvalidField(at, apperr.ReasonCustomFieldRepeated, "is named twice"))
		}
		seen[id] = true
		if text := v.Value.Value(); text != nil {
			values[id] = *text
		}
	}
	return values, faults.Err()
}

// clearValues adds the fields of clearFields to the values that are to be written, each with the
// empty text that clears it.
func clearValues(values map[int64]string, texts []string) error {
	ids, err := identifyAll(gid.CustomField, "clearFields", texts, maxIDs)
	if err != nil {
		return err
	}
	var faults apperr.Faults
	for _, id := range ids {
		if _, set := values[id]; set {
			faults.Add(clearedAndSet(fmt.Sprintf("fields.%d", id), "clearFields"))
		}
		values[id] = ""
	}
	return faults.Err()
}

// personField returns a function that maps a field of the domain to its name in the input of a
// subscriber. below is the prefix of the name, and cleared are the fields of clearFields.
func personField(
	below string, values []*model.CustomFieldValueInput, cleared []string,
) func(*apperr.Error) string {
	is := func(text, digits string) bool {
		id, err := gid.Decode(gid.CustomField, text)
		return err == nil && strconv.FormatInt(id, 10) == digits
	}
	return func(fault *apperr.Error) string {
		name := fault.Field
		switch digits, ofField := strings.CutPrefix(name, "fields."); {
		case name == "email":
			name = "emailAddress"
		case name == "ip":
			name = "ipAddress"
		case ofField:
			for i, text := range cleared {
				if is(text, digits) {
					name = fmt.Sprintf("clearFields[%d]", i)
				}
			}
			for i, v := range values {
				if v.Value.Value() == nil || !is(v.FieldID, digits) {
					continue
				}
				name = fmt.Sprintf("fields[%d].value", i)
				if fault.Reason == apperr.ReasonCustomFieldNotFound {
					name = fmt.Sprintf("fields[%d].fieldId", i)
				}
			}
		}
		return below + name
	}
}

func (r mutationResolver) UpdateSubscriber(
	ctx context.Context, input model.UpdateSubscriberInput,
) (*model.UpdateSubscriberPayload, error) {
	if err := beforeWriting(ctx, payloadSubscriber); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	id, err := identify(gid.Subscriber, "id", input.ID)
	faults.Add(err)
	values, err := customValues("fields", input.Fields.Value())
	faults.Add(err)
	faults.Add(clearValues(values, input.ClearFields.Value()))
	clear := clears(input.Clear, "", &faults)
	patch := subscriber.Patch{
		Email:        given(input.EmailAddress),
		Status:       given(input.Status),
		Bounce:       given(input.Bounce),
		SubscribedAt: patched(clear, model.SubscriberFieldSubscribedAt, "subscribedAt", input.SubscribedAt),
		OptedInAt:    patched(clear, model.SubscriberFieldOptedInAt, "optedInAt", input.OptedInAt),
		Fields:       values,
	}
	var s *ent.Subscriber
	if err = faults.Err(); err == nil {
		s, err = r.Subscribers.Update(ctx, id, patch)
	}
	err = renamed(err, personField("", input.Fields.Value(), input.ClearFields.Value()))
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateSubscriberPayload{Subscriber: shownSubscriber(s), UserErrors: problems}, err
}

func (r mutationResolver) Unsubscribe(
	ctx context.Context, input model.UnsubscribeInput,
) (*model.UnsubscribePayload, error) {
	if err := beforeWriting(ctx, payloadSubscriber); err != nil {
		return nil, err
	}
	if asks(ctx, "lists") {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return nil, err // before anything is written
		}
	}
	var faults apperr.Faults
	listID, err := identify(gid.SubscriberList, "listId", input.ListID)
	faults.Add(err)
	leave := subscriber.Unsubscription{ListID: listID, Email: input.EmailAddress}
	if text := given(input.CampaignID); text != nil {
		leave.CampaignID, err = identify(gid.Campaign, "campaignId", *text)
		faults.Add(err)
	}
	departure := &subscriber.Departure{}
	if err = faults.Err(); err == nil {
		departure, err = r.Subscribers.Unsubscribe(ctx, leave)
		err = renamed(err, func(fault *apperr.Error) string {
			if fault.Reason == apperr.ReasonListNotFound {
				return "listId"
			}
			return personField("", nil, nil)(fault)
		})
	}
	problems, err := toUserErrors(ctx, err)
	payload := &model.UnsubscribePayload{Lists: []*model.SubscriberList{}, UserErrors: problems}
	if err != nil || len(problems) > 0 {
		return payload, err
	}
	payload.Subscriber = shownSubscriber(departure.Subscriber)
	payload.Lists, err = r.listsLeft(ctx, departure.Lists)
	return payload, err
}

// listsLeft reads the lists of an unsubscription, if they are asked for.
func (r *resolver) listsLeft(ctx context.Context, ids []int64) ([]*model.SubscriberList, error) {
	left := make([]*model.SubscriberList, 0, len(ids))
	if !asks(ctx, "lists") {
		return left, nil
	}
	found, err := r.Services.Lists.ByIDs(ctx, ids, selected(ctx, listFields, [][]string{{"lists"}}).columns()...)
	for _, id := range ids {
		if l := found[id]; l != nil {
			left = append(left, shownList(l))
		}
	}
	return left, err
}
