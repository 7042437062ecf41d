package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
)

// contactFields says what the fields of a contact read.
var contactFields = columnsOf("Contact", fields{
	"emailAddress":  reads("email"),
	"softBounces":   reads("soft_bounces"),
	"subscriptions": reads("id"),
	"suppression":   reads("user_id", "email_key"),
	"events":        reads("user_id"),
})

// contactEventFields says what the fields of an event of a contact read.
var contactEventFields = columnsOf("ContactEvent", fields{
	"campaign":  reads("campaign_id"),
	"url":       reads("link_id"),
	"reason":    reads("reason"),
	"userAgent": reads("user_agent"),
	"ip":        reads("ip"),
	"amount":    reads("kind", "amount", "currency"),
})

func (r queryResolver) Contact(ctx context.Context, id, emailAddress *string) (*model.Contact, error) {
	if (id == nil) == (emailAddress == nil) {
		return nil, apperr.InvalidField("id", apperr.ReasonContactRequired, "give one of id and emailAddress")
	}
	columns := selected(ctx, contactFields, itself).columns()
	var found *ent.Contact
	var err error
	if id != nil {
		var number int64
		if number, err = identify(gid.Contact, "id", *id); err != nil {
			return nil, err
		}
		found, err = r.Services.Contacts.Get(ctx, number, columns...)
	} else {
		found, err = r.Services.Contacts.ByAddress(ctx, *emailAddress, columns...)
	}
	if apperr.CodeOf(err) == apperr.NotFound {
		return nil, nil
	}
	return shownContact(found), err
}

func (r queryResolver) Contacts(
	ctx context.Context, search *string, deliverability []kind.BounceType, suppressed *bool, first *int32,
	after *string, last *int32, before *string,
) (*model.ContactConnection, error) {
	filter := contact.Filter{Search: value(search), Deliverability: deliverability, Suppressed: suppressed}
	count := func(ctx context.Context) (int, error) { return r.Services.Contacts.Count(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.ContactConnection{Count: count}, request.Validate()
	}
	result, err := r.Services.Contacts.List(
		ctx, filter, request, selected(ctx, contactFields, connection).columns()...,
	)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, mapped(result.Items, shownContact), count), nil
}

func (r mutationResolver) DeleteSubscribers(
	ctx context.Context, input model.DeleteSubscribersInput,
) (*model.DeleteSubscribersPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.Subscriber, input.Ids, r.Subscribers.Delete)
	return &model.DeleteSubscribersPayload{DeletedIds: deleted, UserErrors: problems}, err
}

func (r mutationResolver) UpdateContact(
	ctx context.Context, input model.UpdateContactInput,
) (*model.UpdateContactPayload, error) {
	id, err := identify(gid.Contact, "id", input.ID)
	var updated *ent.Contact
	if err == nil {
		updated, err = r.Services.Contacts.Update(ctx, id, input.Deliverability)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateContactPayload{Contact: shownContact(updated), UserErrors: problems}, err
}

func (r contactResolver) Subscriptions(
	ctx context.Context, contacts []*model.Contact, first *int32, after *string, last *int32, before *string,
) ([]*model.SubscriberConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	if _, err := subscriber.ByID.Plan(request); err != nil {
		return nil, err
	}
	ids := idsOf(contacts, (*model.Contact).Number)
	columns := selected(ctx, subscriberFields, connection).columns()
	return pagesBelow(ctx, contacts,
		func() (map[int64]int, error) { return r.Subscribers.CountsOfContacts(ctx, ids) },
		func() (map[int64]page.Result[*ent.Subscriber], error) {
			return r.Subscribers.OfContacts(ctx, ids, request, columns...)
		}, shownSubscribers)
}

func (r contactResolver) Suppression(
	ctx context.Context, contacts []*model.Contact,
) ([]*model.Suppression, error) {
	of := func(c *model.Contact) suppression.Address {
		return suppression.Address{OwnerID: c.UserID, Key: value(c.EmailKey)}
	}
	found, err := r.Suppressions.Of(ctx, mapped(contacts, of), selected(ctx, suppressionFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(contacts, func(c *model.Contact) *model.Suppression { return shownSuppression(found[of(c)]) }), nil
}

func (r mutationResolver) DeleteContacts(
	ctx context.Context, input model.DeleteContactsInput,
) (*model.DeleteContactsPayload, error) {
	opts := forget.Options{Suppression: or(input.ForgetSuppression, false)}
	remove := func(ctx context.Context, ids []int64) ([]int64, error) { return r.Forgetting.Forget(ctx, ids, opts) }
	deleted, problems, err := deleteAll(ctx, gid.Contact, input.Ids, remove)
	return &model.DeleteContactsPayload{DeletedIds: deleted, UserErrors: problems}, err
}

func (r contactResolver) Events(
	ctx context.Context, contacts []*model.Contact, first *int32, after *string, last *int32, before *string,
) ([]*model.ContactEventConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	if err := event.PlanOfContact(request); err != nil {
		return nil, err
	}
	rows := mapped(
		distinctBy(contacts, (*model.Contact).Number), func(c *model.Contact) *ent.Contact { return c.Contact },
	)
	columns := selected(ctx, contactEventFields, connection).columns()
	return pagesBelow(ctx, contacts,
		func() (map[int64]int, error) { return r.Services.Events.CountsOfContacts(ctx, rows) },
		func() (map[int64]page.Result[*ent.Event], error) {
			return r.Services.Events.OfContacts(ctx, rows, request, columns...)
		},
		func(events []*ent.Event) []*model.ContactEvent {
			return mapped(events, func(e *ent.Event) *model.ContactEvent { return &model.ContactEvent{Event: e} })
		})
}

func (r contactEventResolver) Campaign(
	ctx context.Context, events []*model.ContactEvent,
) ([]*model.Campaign, error) {
	return r.campaignsByIDs(ctx, mapped(events, func(e *model.ContactEvent) int64 { return e.CampaignID }))
}

func (r contactEventResolver) URL(ctx context.Context, events []*model.ContactEvent) ([]*string, error) {
	links := mapped(events, func(e *model.ContactEvent) *int64 { return e.LinkID })
	return present(links, func(ids []int64) ([]*string, error) {
		urls, err := r.Services.Events.LinkURLs(ctx, store.Distinct(ids))
		if err != nil {
			return nil, err
		}
		return mapped(ids, func(id int64) *string {
			if url, known := urls[id]; known {
				return &url
			}
			return nil
		}), nil
	})
}

func shownContact(row *ent.Contact) *model.Contact {
	if row == nil {
		return nil
	}
	return &model.Contact{Contact: row}
}
