package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// present is the instant at which the tests evaluate audiences.
var present = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// person is a subscription of a world. Subscriptions with the same key belong to one contact: the
// events of each count for all of them, and write gives all of them the worst bounce.
type person struct {
	id, contact       int64
	list              int // position in world.lists
	email, key        string
	status            kind.SubscriberStatus
	bounce            kind.BounceType
	ip                string
	subscribed, opted *time.Time
	values            map[int]string // by position in world.fields
	tags              map[int]bool   // by position in world.tags
	events            []happening
}

// happening is an event that came to a contact through a subscription.
type happening struct {
	campaign  int // position in world.campaigns
	kind      kind.EventKind
	at        time.Time
	automated bool
}

// field is a custom field. List -1 means every list.
type field struct {
	list int
	kind kind.FieldType
}

// saved is a segment.
type saved struct {
	list  int
	where rules.Group
}

// world holds everything that an account has, in memory. write stores it in a database and fills in
// the ids.
type world struct {
	zone       string
	people     []*person
	fields     []field
	segments   []saved
	suppressed []string
	listCount  int

	account                                      caller.Identity
	ctx                                          context.Context
	service                                      *query.Service
	lists, tags, campaigns, fieldIDs, segmentIDs []int64
	stranger                                     int64 // contact of another account
}

const (
	tagCount      = 3
	campaignCount = 4
)

// found creates the account and everything except people, so that rules can name it.
func (w *world) found(t *testing.T, db *store.Store) {
	t.Helper()
	w.account = testkit.Account(t, db, testkit.InZone(w.zone))
	w.ctx = testkit.As(t, w.account)
	w.service = query.New(db, query.Options{Now: func() time.Time { return present }})
	must(t, db.Tx(w.ctx, func(ctx context.Context) error {
		client := db.Client(ctx)
		for range w.listCount {
			w.lists = append(
				w.lists,
				client.SubscriberList.Create().SetName("L").SetNameKey("l").SetCreatedAt(present).SaveX(ctx).ID,
			)
		}
		for i := range tagCount {
			w.tags = append(
				w.tags,
				client.SubscriberTag.Create().
					SetName("T").
					SetNameKey(fmt.Sprint(i)).
					SetCreatedAt(present).
					SaveX(ctx).
					ID,
			)
		}
		for range campaignCount {
			w.campaigns = append(
				w.campaigns,
				client.Campaign.Create().
					SetName("C").
					SetNameKey("c").
					SetCreatedAt(present).
					SetLastActivityAt(present).
					SaveX(ctx).
					ID,
			)
		}
		for i, f := range w.fields {
			create := client.CustomField.Create().
				SetName("F").
				SetNameKey(fmt.Sprint(i)).
				SetType(f.kind).
				SetCreatedAt(present)
			if f.list >= 0 {
				create.SetListID(w.lists[f.list])
			}
			w.fieldIDs = append(w.fieldIDs, create.SaveX(ctx).ID)
		}
		return nil
	}))
}

// segment saves a segment.
func (w *world) segment(t *testing.T, db *store.Store, list int, where rules.Group) int64 {
	t.Helper()
	rules, err := json.Marshal(where)
	must(t, err)
	made, err := db.Client(w.ctx).
		Segment.Create().
		SetListID(w.lists[list]).
		SetName("S").
		SetNameKey("s").
		SetRules(string(rules)).
		SetCreatedAt(present).
		SetUpdatedAt(present).
		Save(w.ctx)
	must(t, err)
	w.segments, w.segmentIDs = append(w.segments, saved{list, where}), append(w.segmentIDs, made.ID)
	return made.ID
}

// strange is a campaign of another account whose events name the people of a world.
const strange = 1 << 40

// write stores the people in the database, and also rows of another account that name the same
// lists, people and addresses. A row that names a campaign or a custom field belongs to the owner
// of that campaign or field.
func (w *world) write(t *testing.T, db *store.Store) {
	t.Helper()
	stranger := testkit.Account(t, db)
	must(
		t,
		db.Tx(
			caller.System(w.ctx),
			func(ctx context.Context) error { return w.writeIn(ctx, db.Client(ctx), stranger.UserID) },
		),
	)
}

func (w *world) writeIn(ctx context.Context, client *ent.Client, stranger int64) error {
	mine := w.account.UserID
	if err := w.writeContacts(ctx, client, stranger); err != nil {
		return err
	}
	creates := make([]*ent.SubscriberCreate, len(w.people))
	for i, p := range w.people {
		creates[i] = client.Subscriber.Create().
			SetUserID(mine).
			SetListID(w.lists[p.list]).
			SetContactID(p.contact).
			SetEmail(p.email).
			SetEmailKey(p.key).
			SetStatus(p.status).
			SetBounce(p.bounce).
			SetSubscriptionIP(p.ip).
			SetNillableSubscribedAt(p.subscribed).
			SetNillableOptedInAt(p.opted).
			SetCreatedAt(present)
	}
	creates = append(
		creates,
		client.Subscriber.Create().SetUserID(stranger).SetListID(w.lists[0]).SetContactID(w.stranger).
			SetEmail("stranger@example.net").SetEmailKey("stranger@example.net").SetSubscribedAt(present).SetCreatedAt(present),
	)
	var made []*ent.Subscriber
	err := inChunks(creates, func(some []*ent.SubscriberCreate) error {
		rows, err := client.Subscriber.CreateBulk(some...).Save(ctx)
		made = append(made, rows...)
		return err
	})
	if err != nil {
		return err
	}
	var values []*ent.FieldValueCreate
	var taggings []*ent.SubscriberTaggingCreate
	var events []*ent.EventCreate
	var suppressions []*ent.SuppressionCreate
	for i, p := range w.people {
		p.id = made[i].ID
		for f, text := range p.values {
			values = append(
				values,
				valueOf(
					client, w.fields[f].kind, text,
				).SetUserID(mine).
					SetSubscriberID(p.id).
					SetCustomFieldID(w.fieldIDs[f]),
			)
		}
		for tag := range p.tags {
			taggings = append(
				taggings,
				client.SubscriberTagging.Create().SetUserID(mine).SetSubscriberID(p.id).SetSubscriberTagID(w.tags[tag]),
			)
		}
		for n, e := range p.events {
			create := client.Event.Create().SetUserID(mine).SetID(fmt.Sprintf("%d/%d", p.id, n)).SetContactID(p.contact).
				SetCampaignID(w.campaigns[e.campaign]).SetKind(e.kind).SetAt(e.at).SetAutomated(e.automated)
			if n%3 > 0 { // of the others it is not known through which subscription they came
				create.SetSubscriberID(p.id)
			}
			events = append(events, create)
		}
		if i%5 == 0 {
			events = append(
				events,
				client.Event.Create().SetUserID(stranger).SetID(fmt.Sprintf("%d/stranger", p.id)).SetContactID(p.contact).
					SetCampaignID(strange).SetKind(kind.EventOpened).SetAt(present),
			)
			suppressions = append(suppressions, client.Suppression.Create().SetUserID(stranger).SetEmail(fmt.Sprint(i)).
				SetEmailKey(p.key).SetCreatedAt(present))
		}
		if i%7 == 0 {
			taggings = append(
				taggings,
				client.SubscriberTagging.Create().SetUserID(stranger).SetSubscriberID(p.id).SetSubscriberTagID(strange),
			)
		}
	}
	seen := map[string]bool{}
	unique := suppressions[:0]
	for _, s := range suppressions {
		key, _ := s.Mutation().EmailKey()
		if !seen[key] {
			seen[key] = true
			unique = append(unique, s)
		}
	}
	for _, email := range w.suppressed {
		unique = append(
			unique,
			client.Suppression.Create().
				SetUserID(mine).
				SetEmail(email).
				SetEmailKey(address.Key(email)).
				SetCreatedAt(present),
		)
	}
	return errors.Join(
		inChunks(
			values, func(some []*ent.FieldValueCreate) error { return client.FieldValue.CreateBulk(some...).Exec(ctx) },
		),
		inChunks(taggings, func(some []*ent.SubscriberTaggingCreate) error {
			return client.SubscriberTagging.CreateBulk(some...).Exec(ctx)
		}),
		inChunks(events, func(some []*ent.EventCreate) error { return client.Event.CreateBulk(some...).Exec(ctx) }),
		inChunks(
			unique,
			func(some []*ent.SuppressionCreate) error { return client.Suppression.CreateBulk(some...).Exec(ctx) },
		),
	)
}

// writeContacts stores the contacts of the people, and one of another account.
func (w *world) writeContacts(ctx context.Context, client *ent.Client, stranger int64) error {
	order := []kind.BounceType{kind.BounceNone, kind.BounceSoft, kind.BounceHard, kind.BounceInvalid}
	of := map[string][]*person{}
	var keys []string
	for _, p := range w.people {
		if of[p.key] == nil {
			keys = append(keys, p.key)
		}
		of[p.key] = append(of[p.key], p)
	}
	creates := make([]*ent.ContactCreate, len(keys))
	for i, key := range keys {
		worst := 0
		for _, p := range of[key] {
			worst = max(worst, slices.Index(order, p.bounce))
		}
		for _, p := range of[key] {
			p.bounce = order[worst]
		}
		creates[i] = client.Contact.Create().SetUserID(w.account.UserID).SetEmail(of[key][0].email).SetEmailKey(key).
			SetDeliverability(order[worst]).SetCreatedAt(present)
	}
	var made []*ent.Contact
	err := inChunks(creates, func(some []*ent.ContactCreate) error {
		rows, err := client.Contact.CreateBulk(some...).Save(ctx)
		made = append(made, rows...)
		return err
	})
	if err != nil {
		return err
	}
	for i, key := range keys {
		for _, p := range of[key] {
			p.contact = made[i].ID
		}
	}
	foreign, err := client.Contact.Create().SetUserID(stranger).SetEmail("stranger@example.net").
		SetEmailKey("stranger@example.net").SetCreatedAt(present).Save(ctx)
	if err == nil {
		w.stranger = foreign.ID
	}
	return err
}

// inChunks writes rows in chunks that fit into one statement.
func inChunks[T any](rows []T, write func(some []T) error) error {
	for some := range slices.Chunk(rows, 500) {
		if err := write(some); err != nil {
			return err
		}
	}
	return nil
}

// valueOf returns a value as it is stored.
func valueOf(client *ent.Client, typ kind.FieldType, text string) *ent.FieldValueCreate {
	create := client.FieldValue.Create().SetText(text).SetTextKey(kind.Fold(text, 255))
	switch typ {
	case kind.FieldNumber, kind.FieldBoolean:
		create.SetNumber(numberOf(text))
	case kind.FieldDate:
		m, _ := rules.ParseMoment(text)
		create.SetDate(m.Wall)
	}
	return create
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
