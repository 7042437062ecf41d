package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/contact"
	"campaignql/ent/customfield"
	entemail "campaignql/ent/email"
	"campaignql/ent/segment"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/ent/tag"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// Lengths of folded columns.
const (
	nameKeyLength    = 500
	subjectKeyLength = 1000
	tagKeyLength     = 200
)

// maxArguments is the maximum number of arguments of one statement. SQLite allows 32,766, but more
// than this is not faster.
const maxArguments = 15000

// writer inserts a world for an account. All statements run in one transaction, with the identity
// of that account.
type writer struct {
	client *ent.Client
	owner  int64
	world  *world
	ids    ids
}

func (w *writer) write(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		w.lists, w.fields, w.segments, w.contacts, w.people, w.values, w.taggings, w.suppressions, w.emails, w.tags,
		w.campaigns, w.campaignTags, w.campaignUses, w.history, w.hours, w.amounts, w.links, w.domains, w.events,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bulk inserts rows with the given number of columns, in as many statements as necessary.
func bulk[C any](rows []C, columns int, exec func([]C) error) error {
	for some := range slices.Chunk(rows, maxArguments/columns) {
		if err := exec(some); err != nil {
			return err
		}
	}
	return nil
}

// inOrder checks that as many ids were read back as rows were inserted. The account is new, so all
// its rows are from this writer. Ids ascend in the order of insertion, but not by one on every
// database, so they must be read back.
func inOrder(what string, ids []int64, rows int, err error) ([]int64, error) {
	if err == nil && len(ids) != rows {
		err = fmt.Errorf("demo: %d %s were inserted, and %d are there", rows, what, len(ids))
	}
	return ids, err
}

func (w *writer) lists(ctx context.Context) error {
	rows := make([]*ent.SubscriberListCreate, len(listNames))
	for i, name := range listNames {
		rows[i] = w.client.SubscriberList.Create().
			SetName(name).
			SetNameKey(kind.Fold(name, nameKeyLength)).
			SetDoubleOptIn(i == newsletter).
			SetCreatedAt(w.world.opened)
	}
	if err := w.client.SubscriberList.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	found, err := w.client.SubscriberList.Query().Order(subscriberlist.ByID()).IDs(ctx)
	if found, err = inOrder("lists", found, len(rows), err); err != nil {
		return err
	}
	copy(w.ids.lists[:], found)
	return nil
}

// fields writes the custom fields, one for every list and one for the customers only, and the
// subscriber tags.
func (w *writer) fields(ctx context.Context) error {
	create := func(name string, of kind.FieldType) *ent.CustomFieldCreate {
		return w.client.CustomField.Create().
			SetName(name).
			SetNameKey(kind.Fold(name, nameKeyLength)).
			SetType(of).
			SetCreatedAt(w.world.opened)
	}
	err := w.client.CustomField.CreateBulk(create("City", kind.FieldText), create("Orders", kind.FieldNumber).SetListID(w.ids.lists[customers])).
		Exec(ctx)
	if err != nil {
		return err
	}
	found, err := w.client.CustomField.Query().Order(customfield.ByID()).IDs(ctx)
	if found, err = inOrder("custom fields", found, 2, err); err != nil {
		return err
	}
	w.ids.city, w.ids.orders = found[0], found[1]

	rows := make([]*ent.SubscriberTagCreate, len(subscriberTagNames))
	for i, name := range subscriberTagNames {
		rows[i] = w.client.SubscriberTag.Create().
			SetName(name).
			SetNameKey(kind.Fold(name, tagKeyLength)).
			SetCreatedAt(w.world.opened)
	}
	if err := w.client.SubscriberTag.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	found, err = w.client.SubscriberTag.Query().Order(subscribertag.ByID()).IDs(ctx)
	w.ids.tags, err = inOrder("subscriber tags", found, len(rows), err)
	return err
}

func (w *writer) segments(ctx context.Context) error {
	create := func(list int, name, text string) (*ent.SegmentCreate, error) {
		group, err := rules.ParseSegmentRules([]byte(text))
		if err != nil {
			return nil, err
		}
		canonical, err := json.Marshal(group)
		return w.client.Segment.Create().
				SetListID(w.ids.lists[list]).
				SetName(name).
				SetNameKey(kind.Fold(name, nameKeyLength)).
				SetRules(string(canonical)).
				SetRulesSource(text).
				SetCreatedAt(w.world.opened).
				SetUpdatedAt(w.world.opened),
			err
	}
	berlin, err := create(newsletter, "Readers in Berlin", berlinRules(&w.ids))
	if err != nil {
		return err
	}
	vip, err := create(customers, "VIP customers", vipRules(&w.ids))
	if err != nil {
		return err
	}
	if err := w.client.Segment.CreateBulk(berlin, vip).Exec(ctx); err != nil {
		return err
	}
	found, err := w.client.Segment.Query().Order(segment.ByID()).IDs(ctx)
	if found, err = inOrder("segments", found, 2, err); err != nil {
		return err
	}
	w.ids.berlin, w.ids.vip = found[0], found[1]
	return nil
}

func (w *writer) contacts(ctx context.Context) error {
	rows := make([]*ent.ContactCreate, len(w.world.mailboxes))
	for i, m := range w.world.mailboxes {
		rows[i] = w.client.Contact.Create().
			SetEmail(m.email).
			SetEmailKey(m.email).
			SetDomain(m.domain()).
			SetDeliverability(m.bounce).
			SetSoftBounces(m.softBounces).
			SetCreatedAt(m.joined)
	}
	err := bulk(
		rows, len(contact.Columns),
		func(some []*ent.ContactCreate) error { return w.client.Contact.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	found, err := w.client.Contact.Query().Order(contact.ByID()).IDs(ctx)
	if found, err = inOrder("contacts", found, len(rows), err); err != nil {
		return err
	}
	for i, m := range w.world.mailboxes {
		m.contact = found[i]
	}
	return nil
}

func (w *writer) people(ctx context.Context) error {
	rows := make([]*ent.SubscriberCreate, len(w.world.people))
	for i, p := range w.world.people {
		rows[i] = w.client.Subscriber.Create().
			SetListID(w.ids.lists[p.list]).
			SetContactID(p.contact).
			SetEmail(p.email).
			SetEmailKey(p.email).
			SetStatus(p.status).
			SetBounce(p.bounce).
			SetSubscriptionIP(p.ip).
			SetSubscribedAt(p.joined).
			SetNillableUnsubscribedAt(p.left).
			SetCreatedAt(p.joined)
		if p.list == newsletter && p.status != kind.SubscriberPending {
			rows[i].SetOptedInAt(p.joined.Add(confirmation))
		}
	}
	err := bulk(
		rows, len(subscriber.Columns),
		func(some []*ent.SubscriberCreate) error { return w.client.Subscriber.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	found, err := w.client.Subscriber.Query().Order(subscriber.ByID()).IDs(ctx)
	if found, err = inOrder("subscribers", found, len(rows), err); err != nil {
		return err
	}
	for i, p := range w.world.people {
		p.id = found[i]
	}
	return nil
}

func (w *writer) values(ctx context.Context) error {
	var rows []*ent.FieldValueCreate
	create := func(p *person, field int64, text string) *ent.FieldValueCreate {
		row := w.client.FieldValue.Create().
			SetSubscriberID(p.id).
			SetCustomFieldID(field).
			SetText(text).
			SetTextKey(kind.Fold(text, 255))
		rows = append(rows, row)
		return row
	}
	for _, p := range w.world.people {
		create(p, w.ids.city, p.city)
		if p.list == customers {
			create(p, w.ids.orders, fmt.Sprint(p.orders)).SetNumber(float64(p.orders))
		}
	}
	return bulk(
		rows, 7, func(some []*ent.FieldValueCreate) error { return w.client.FieldValue.CreateBulk(some...).Exec(ctx) },
	)
}

func (w *writer) taggings(ctx context.Context) error {
	var rows []*ent.SubscriberTaggingCreate
	for _, p := range w.world.people {
		for _, t := range p.tags {
			rows = append(
				rows, w.client.SubscriberTagging.Create().SetSubscriberID(p.id).SetSubscriberTagID(w.ids.tags[t]),
			)
		}
	}
	return bulk(rows, 3, func(some []*ent.SubscriberTaggingCreate) error {
		return w.client.SubscriberTagging.CreateBulk(some...).Exec(ctx)
	})
}

func (w *writer) suppressions(ctx context.Context) error {
	rows := make([]*ent.SuppressionCreate, len(w.world.suppressions))
	for i, s := range w.world.suppressions {
		rows[i] = w.client.Suppression.Create().
			SetEmail(s.email).
			SetEmailKey(s.email).
			SetReason(s.reason).
			SetCreatedAt(s.at)
	}
	return bulk(
		rows, 6,
		func(some []*ent.SuppressionCreate) error { return w.client.Suppression.CreateBulk(some...).Exec(ctx) },
	)
}

func (w *writer) emails(ctx context.Context) error {
	rows := make([]*ent.EmailCreate, len(w.world.emails))
	for i, e := range w.world.emails {
		rows[i] = w.client.Email.Create().SetName(e.name).SetNameKey(kind.Fold(e.name, nameKeyLength)).
			SetSubject(e.subject).SetSubjectKey(kind.Fold(e.subject, subjectKeyLength)).SetPreheader(e.preheader).
			SetFromName(e.fromName).SetFromEmail(e.from).SetReplyToName(e.fromName).SetReplyToEmail(e.from).
			SetHTML(e.html).
			SetPlain(e.plain).SetMode(kind.EmailModeEditor).SetCreatedAt(e.created).SetUpdatedAt(e.updated)
	}
	err := bulk(
		rows, len(entemail.Columns),
		func(some []*ent.EmailCreate) error { return w.client.Email.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	found, err := w.client.Email.Query().Order(entemail.ByID()).IDs(ctx)
	if found, err = inOrder("emails", found, len(rows), err); err != nil {
		return err
	}
	for i, e := range w.world.emails {
		e.id = found[i]
	}
	return nil
}

func (w *writer) tags(ctx context.Context) error {
	rows := make([]*ent.TagCreate, len(tagNames))
	for i, name := range tagNames {
		rows[i] = w.client.Tag.Create().
			SetName(name).
			SetNameKey(kind.Fold(name, tagKeyLength)).
			SetCreatedAt(w.world.opened)
	}
	if err := w.client.Tag.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	found, err := w.client.Tag.Query().Order(tag.ByID()).IDs(ctx)
	w.ids.campaignTags, err = inOrder("tags", found, len(rows), err)
	return err
}

func (w *writer) campaigns(ctx context.Context) error {
	rows := make([]*ent.CampaignCreate, len(w.world.campaigns))
	for i, m := range w.world.campaigns {
		var err error
		if rows[i], err = w.campaign(m); err != nil {
			return err
		}
	}
	err := bulk(
		rows, len(entcampaign.Columns),
		func(some []*ent.CampaignCreate) error { return w.client.Campaign.CreateBulk(some...).Exec(ctx) },
	)
	if err != nil {
		return err
	}
	found, err := w.client.Campaign.Query().Order(entcampaign.ByID()).IDs(ctx)
	if found, err = inOrder("campaigns", found, len(rows), err); err != nil {
		return err
	}
	for i, m := range w.world.campaigns {
		m.id = found[i]
	}
	return nil
}
