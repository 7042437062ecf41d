package purge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"campaignql/ent"
	entfield "campaignql/ent/customfield"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/formercontact"
	"campaignql/ent/mergedsubscriber"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/ent/subscriberlist"
	enttag "campaignql/ent/subscribertag"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/app"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/export"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// world is an account with two lists that share people, two fields of every list, two tags, and a
// campaign with an event for everybody.
type world struct {
	*app.Services
	t         *testing.T
	ctx       context.Context
	owner     caller.Identity
	lists     [2]int64
	fields    [2]int64
	tags      [2]int64
	campaign  int64
	untagged  int64 // a segment of the second list
	people    []int64
	addresses []string
}

// perList is the number of people on a list. Half of them are on the other list too.
const perList = 12

func newWorld(t *testing.T, db *store.Store) *world {
	t.Helper()
	w := &world{Services: app.NewServices(db, app.ServiceOptions{}), t: t, owner: testkit.Account(t, db)}
	w.ctx = testkit.As(t, w.owner)
	client, now := db.Client(w.ctx), store.Now()
	for i := range 2 {
		name := fmt.Sprint("n", i)
		w.fields[i] = client.CustomField.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).SaveX(w.ctx).ID
		w.tags[i] = client.SubscriberTag.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).SaveX(w.ctx).ID
	}
	c := client.Campaign.Create().SetName("c").SetNameKey("c").SetCreatedAt(now).SetLastActivityAt(now).SaveX(w.ctx)
	w.campaign = c.ID
	for i := range 2 {
		w.lists[i] = client.SubscriberList.Create().
			SetName(fmt.Sprint("l", i)).
			SetNameKey(fmt.Sprint("l", i)).
			SetCreatedAt(now).
			SaveX(w.ctx).
			ID
		own := client.CustomField.Create().
			SetListID(w.lists[i]).
			SetName("own").
			SetNameKey("own").
			SetCreatedAt(now).
			SaveX(w.ctx).
			ID
		for n := range perList {
			w.person(i, n+i*perList/2, own)
		}
	}
	rules, err := json.Marshal(
		rules.Group{Operator: rules.And, Rules: []rules.Rule{rules.Tags{Operator: rules.HasNoTags}}},
	)
	w.must(err)
	w.untagged = client.Segment.Create().
		SetListID(w.lists[1]).
		SetName("s").
		SetNameKey("s").
		SetRules(string(rules)).
		SetCreatedAt(now).
		SetUpdatedAt(now).
		SaveX(w.ctx).
		ID
	return w
}

// person adds a person to a list, in one of the states and with at most one of the tags.
func (w *world) person(list, n int, own int64) {
	client, email := w.Store.Client(w.ctx), fmt.Sprintf("%d@example.com", n)
	contact := testkit.Contact(w.t, w.ctx, client, email)
	status := kind.SubscriberStatus(kind.SubscriberStatus("").Values()[n%3])
	id := client.Subscriber.Create().
		SetListID(w.lists[list]).
		SetContactID(contact).
		SetEmail(email).
		SetEmailKey(email).
		SetStatus(status).
		SetCreatedAt(store.Now()).
		SaveX(w.ctx).
		ID
	client.MergedSubscriber.Create().SetID(1<<40 + id).SetSubscriberID(id).ExecX(w.ctx)
	client.FormerContact.Create().SetSubscriberID(id).SetContactID(1<<40 + id).SetMovedAt(store.Now()).ExecX(w.ctx)
	w.people = append(w.people, id)
	if !slices.Contains(w.addresses, email) {
		w.addresses = append(w.addresses, email)
	}
	for _, field := range []int64{w.fields[0], w.fields[1], own} {
		text := fmt.Sprint("v", field)
		client.FieldValue.Create().
			SetSubscriberID(id).
			SetCustomFieldID(field).
			SetText(text).
			SetTextKey(text).
			ExecX(w.ctx)
	}
	if n%4 < 2 {
		client.SubscriberTagging.Create().SetSubscriberID(id).SetSubscriberTagID(w.tags[n%4]).ExecX(w.ctx)
	}
	client.Event.Create().
		SetID(fmt.Sprintf("%d-%06d", w.campaign, id)).
		SetCampaignID(w.campaign).
		SetContactID(contact).
		SetSubscriberID(id).
		SetKind(kind.EventDelivered).
		SetAt(store.Now()).
		ExecX(w.ctx)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// rows counts people, values, taggings, merged numbers and former contacts of the account, including hidden ones.
func (w *world) rows() [5]int {
	return [5]int{
		w.Store.Client(w.ctx).Subscriber.Query().CountX(store.WithDeleted(w.ctx)),
		w.Store.Client(w.ctx).FieldValue.Query().CountX(store.WithDeleted(w.ctx)),
		w.Store.Client(w.ctx).SubscriberTagging.Query().CountX(store.WithDeleted(w.ctx)),
		w.Store.Client(w.ctx).MergedSubscriber.Query().CountX(w.ctx),
		w.Store.Client(w.ctx).FormerContact.Query().CountX(w.ctx),
	}
}

// seen returns everything that the account sees of people, with one line for each query.
func (w *world) seen() string {
	w.t.Helper()
	var out strings.Builder
	tell := func(what string, shown any, err error) {
		var faults []string
		for _, e := range apperr.All(err) {
			faults = append(faults, fmt.Sprint(e.Code, " ", e.Reason, " ", e.Message))
		}
		text, _ := json.Marshal(shown)
		fmt.Fprintf(&out, "%s: %s %v\n", what, text, faults)
	}
	byID, err := w.Subscribers.ByIDs(w.ctx, w.people)
	tell("people by id", byID, err)
	values, err := w.Subscribers.Values(w.ctx, w.people)
	tell("values", values, err)
	typed, err := w.Subscribers.TypedValues(w.ctx, w.people)
	tell("typed values", typed, err)
	tags, err := w.SubscriberTags.BySubscribers(w.ctx, w.people)
	tell("tags of people", tags, err)
	counts, err := w.SubscriberTags.PeopleCounts(w.ctx, w.tags[:])
	tell("people of tags", counts, err)
	active, err := w.Subscribers.ActiveCounts(w.ctx, w.lists[:])
	tell("active", active, err)
	for name, filter := range map[string]subscriber.Filter{
		"all": {}, "search": {Search: "1"}, "field 0": {SearchField: w.fields[0], Search: "v"}, "field 1": {SearchField: w.fields[1], Search: "v"},
		"any tag": {TagsAnyOf: w.tags[:]}, "tag 0": {TagsAllOf: w.tags[:1]}, "tag 1": {TagsAllOf: w.tags[1:]}, "no tag": {TagsNoneOf: w.tags[:]},
	} {
		filter.ListID = 0
		pages, err := w.Subscribers.Lists(
			w.ctx, w.lists[:], filter, subscriber.ByAddress, page.Request{First: new(100)},
		)
		tell("by list: "+name, pages, err)
		for i, list := range w.lists {
			filter.ListID = list
			n, err := w.Subscribers.Count(w.ctx, filter)
			tell(fmt.Sprint("counted: ", name, i), n, err)
			for _, order := range []subscriber.Order{subscriber.ByAddress, subscriber.ByIP} {
				err = w.Subscribers.Each(
					w.ctx, filter, order, 0, 0, nil,
					func(_ context.Context, some []*ent.Subscriber) error {
						tell(fmt.Sprint("each: ", name, i), some, nil)
						return nil
					},
				)
				tell("each", nil, err)
			}
		}
	}
	w.reached(tell)
	var activity strings.Builder
	file, err := w.Exports.Open(
		w.ctx, export.Request{CampaignID: w.campaign, Content: export.Activity, Format: export.CSV},
	)
	w.must(err)
	tell("exported", nil, file.Write(w.ctx, &activity, func() error { return nil }))
	fmt.Fprintln(&out, activity.String())
	w.refused(tell)
	lines := strings.Split(out.String(), "\n")
	slices.Sort(lines) // the filters are in random order
	return strings.Join(lines, "\n")
}

// reached reports the people that audiences reach: each list, and the segment of people without
// tags.
func (w *world) reached(tell func(string, any, error)) {
	targets := map[string]query.Target{
		"untagged": query.OfSegment(&ent.Segment{ID: w.untagged, UserID: w.owner.UserID, ListID: w.lists[1]}),
	}
	for i, list := range w.lists {
		targets[fmt.Sprint("list ", i)] = query.Target{
			Audience: rules.Audience{
				Form: rules.FormLists, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: list}},
			},
		}
	}
	for name, target := range targets {
		n, err := w.Audiences.Count(w.ctx, target)
		tell("reached: "+name, n, err)
		some, err := w.Audiences.Preview(w.ctx, target, 100)
		tell("preview: "+name, some, err)
		explained, err := w.Audiences.Explain(w.ctx, target)
		tell("explained: "+name, explained, err)
		waterfall, err := w.Audiences.Waterfall(w.ctx, target)
		tell("waterfall: "+name, waterfall, err)
	}
	filter, err := w.Subscribers.InSegment(w.ctx, subscriber.Filter{ListID: w.lists[1]}, w.untagged)
	w.must(err)
	n, err := w.Subscribers.Count(w.ctx, filter)
	tell("in the segment", n, err)
}

// errUndone rolls back the transaction of an attempt.
var errUndone = errors.New("undone")

// refused reports the result of writes for each person and object. All writes are rolled back.
func (w *world) refused(tell func(string, any, error)) {
	try := func(what string, do func(ctx context.Context) (any, error)) {
		err := w.Store.Tx(w.ctx, func(ctx context.Context) error {
			got, err := do(ctx)
			tell(what, got, err)
			return errUndone
		})
		if !errors.Is(err, errUndone) {
			w.must(err)
		}
	}
	for _, id := range w.people {
		try(fmt.Sprint("rename ", id), func(ctx context.Context) (any, error) {
			p, err := w.Subscribers.Update(ctx, id, subscriber.Patch{SubscribedAt: new(store.Now())})
			return p != nil, err
		})
		for _, tag := range w.tags {
			try(fmt.Sprint("tag ", id), func(ctx context.Context) (any, error) {
				return nil, w.SubscriberTags.Assign(ctx, []int64{id}, []int64{tag})
			})
		}
	}
	try("events", func(ctx context.Context) (any, error) {
		var events []event.Event
		add := func(e event.Event) {
			e.ID, e.Kind, e.CampaignID, e.At = fmt.Sprint(
				"e", len(events),
			), kind.EventComplained, w.campaign, "2026-11-23T12:00:00Z"
			events = append(events, e)
		}
		for _, id := range w.people {
			add(event.Event{SubscriberID: id})
		}
		for _, email := range w.addresses {
			add(event.Event{Email: email})
		}
		results, err := w.Events.Record(ctx, events)
		if err == nil {
			recorded := w.Store.Client(ctx).Event.Query().AllX(ctx)
			tell("recorded for", recorded, nil)
			tell("suppressed", w.Store.Client(ctx).Suppression.Query().CountX(ctx), nil)
		}
		return results, err
	})
	for i, list := range w.lists {
		for _, email := range w.addresses {
			try("unsubscribe", func(ctx context.Context) (any, error) {
				p, err := w.Subscribers.Unsubscribe(
					ctx, subscriber.Unsubscription{ListID: list, Email: email, CampaignID: w.campaign},
				)
				return p != nil, err
			})
		}
		for _, field := range w.fields {
			try(fmt.Sprint("subscribe to ", i), func(ctx context.Context) (any, error) {
				p, err := w.Subscribers.Subscribe(
					ctx,
					subscriber.Subscription{
						ListID: list, Email: "new@example.com", Fields: map[int64]string{field: "x"},
					},
				)
				return p != nil, err
			})
		}
	}
}

// orphans returns an error if, after all purges, a value or a tagging refers to a deleted person,
// field or tag, or a person to a deleted list.
func (w *world) orphans() error {
	ctx := store.WithDeleted(caller.System(w.ctx))
	client := w.Store.Client(ctx)
	lists, people := client.SubscriberList.Query().
		Where(subscriberlist.UserID(w.owner.UserID)).
		IDsX(ctx),
		client.Subscriber.Query().
			Where(entsubscriber.UserID(w.owner.UserID)).
			IDsX(ctx)
	fields, tags := client.CustomField.Query().
		Where(entfield.UserID(w.owner.UserID)).
		IDsX(ctx),
		client.SubscriberTag.Query().
			Where(enttag.UserID(w.owner.UserID)).
			IDsX(ctx)
	mine, values, taggings := entsubscriber.UserID(
		w.owner.UserID,
	), fieldvalue.UserID(
		w.owner.UserID,
	), subscribertagging.UserID(
		w.owner.UserID,
	)
	if n := client.Subscriber.Query().Where(mine, entsubscriber.ListIDNotIn(lists...)).CountX(ctx); n > 0 {
		return fmt.Errorf("%d people of no list", n)
	}
	n := client.FieldValue.Query().
		Where(values, fieldvalue.Or(fieldvalue.SubscriberIDNotIn(people...), fieldvalue.CustomFieldIDNotIn(fields...))).
		CountX(ctx)
	if n > 0 {
		return fmt.Errorf("%d values of nobody or of no field", n)
	}
	n = client.SubscriberTagging.Query().
		Where(taggings, subscribertagging.Or(subscribertagging.SubscriberIDNotIn(people...), subscribertagging.SubscriberTagIDNotIn(tags...))).
		CountX(ctx)
	if n > 0 {
		return fmt.Errorf("%d taggings of nobody or of no tag", n)
	}
	n = client.MergedSubscriber.Query().
		Where(mergedsubscriber.UserID(w.owner.UserID), mergedsubscriber.SubscriberIDNotIn(people...)).
		CountX(ctx)
	if n > 0 {
		return fmt.Errorf("%d merged numbers of nobody", n)
	}
	n = client.FormerContact.Query().
		Where(formercontact.UserID(w.owner.UserID), formercontact.SubscriberIDNotIn(people...)).
		CountX(ctx)
	if n > 0 {
		return fmt.Errorf("%d former contacts of nobody", n)
	}
	return nil
}
