package command

import (
	"context"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/audience/rules"
	"campaignql/internal/people/subscriber"
)

// shape is what all rows of a list's subscribers have in common.
type shape struct {
	// fields are the custom fields of the list. Each row contains all of them.
	fields []*ent.CustomField
	// zone is the time zone of the list's owner.
	zone *time.Location
}

// people reads the rows of Subscribers.Get while the response is written, with two statements per
// batch.
func (b *Bridge) people(ctx context.Context, p Parameters, filter subscriber.Filter, of shape) Stream {
	order := subscriberOrder(p.Text("OrderField"), p.Text("OrderType"))
	return func(emit func(any) error) error {
		visit := func(ctx context.Context, people []*ent.Subscriber) error {
			ids := make([]int64, len(people))
			for i, person := range people {
				ids[i] = person.ID
			}
			var values map[int64]map[int64]string
			if len(of.fields) > 0 {
				var err error
				if values, err = b.Subscribers.Values(ctx, ids); err != nil {
					return err
				}
			}
			for _, person := range people {
				if err := emit(of.row(person, values[person.ID])); err != nil {
					return err
				}
			}
			return nil
		}
		return b.Subscribers.Each(ctx, filter, order, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), nil, visit)
	}
}

// row returns one subscriber of a list, in which every scalar is text.
func (of shape) row(person *ent.Subscriber, values map[int64]string) Object {
	row := make(Object, 0, 8+len(of.fields))
	row = append(row,
		Member{"SubscriberID", numberOf(person.ID).asString()},
		Member{"EmailAddress", person.Email},
		Member{"BounceType", person.Bounce.Legacy()},
		Member{"SubscriptionStatus", person.Status.Legacy()},
		Member{"SubscriptionDate", dateTime(person.SubscribedAt, of.zone)},
		Member{"SubscriptionIP", person.SubscriptionIP},
		Member{"UnsubscriptionDate", dateTime(person.UnsubscribedAt, of.zone)},
		Member{"OptInDate", dateTime(person.OptedInAt, of.zone)},
	)
	for _, field := range of.fields {
		row = append(row, Member{"CustomField" + numberOf(field.ID).String(), values[field.ID]})
	}
	return row
}

// searchIn reads SearchField. It passes an unknown field on; no subscriber matches it.
func searchIn(field string) rules.FieldName {
	for _, known := range []rules.FieldName{rules.EmailAddress, rules.SubscriptionIP, rules.SubscriberID} {
		if strings.EqualFold(field, string(known)) {
			return known
		}
	}
	return rules.FieldName(field)
}

var subscriberOrders = map[string]subscriber.Order{
	"subscriberid":       subscriber.ByID,
	"emailaddress":       subscriber.ByAddress,
	"bouncetype":         subscriber.ByBounce,
	"subscriptionstatus": subscriber.ByStatus,
	"subscriptiondate":   subscriber.BySubscription,
	"subscriptionip":     subscriber.ByIP,
	"optindate":          subscriber.ByOptIn,
	"unsubscriptiondate": subscriber.ByUnsubscription,
}

// subscriberOrder reads the order of Subscribers.Get. The default is EmailAddress, also for unknown
// fields.
func subscriberOrder(field, direction string) subscriber.Order {
	order, known := subscriberOrders[fold(strings.TrimSpace(field))]
	if !known {
		order = subscriber.ByAddress
	}
	order.Desc = descends(direction)
	return order
}
