package event

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/formercontact"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// moved is the column that selectMoved adds.
const moved = "moved"

// selectMoved adds to the selected columns of subscriptions whether they have former contacts.
func selectMoved(s *sql.Selector) {
	former := sql.Table(formercontact.Table)
	s.AppendSelectExprAs(
		sql.Exists(sql.Select(former.C(formercontact.FieldID)).From(former).
			Where(sql.ColumnsEQ(former.C(formercontact.FieldSubscriberID), s.C(entsubscriber.FieldID)))),
		moved,
	)
}

// hasMoved returns what selectMoved has read.
func hasMoved(p *ent.Subscriber) bool {
	is, err := p.Value(moved)
	n, isNumber := is.(int64)
	return err == nil && isNumber && n != 0
}

// route is a campaign and the subscription through which it came to a person.
type route struct{ campaign, subscription int64 }

// byFormer finds the contacts of events that name a subscription which has moved to another contact
// since its campaign was sent.
func (b *batch) byFormer(ctx context.Context, events []*entry, found map[int64]*ent.Subscriber) error {
	var late []*entry
	routes := map[route]int64{}
	for _, e := range events {
		if p := found[e.SubscriberID]; p != nil && p.UserID == e.owner && hasMoved(p) {
			late = append(late, e)
			routes[route{e.CampaignID, p.ID}] = p.ContactID
		}
	}
	if len(late) == 0 {
		return nil
	}
	former, err := b.formerContacts(ctx, routes)
	if err != nil {
		return err
	}
	// A recurring campaign, or one that is tried again, is sent to the new address too.
	for _, e := range late {
		r := route{e.CampaignID, e.subscription}
		if c := former[r]; c != nil && (e.Kind == kind.EventSent || e.Kind == kind.EventFailed) && e.at.After(c.MovedAt) {
			delete(former, r)
		}
	}
	for _, e := range late {
		if c := former[route{e.CampaignID, e.subscription}]; c != nil {
			e.contactID, e.present = c.ContactID, e.contactID
		}
	}
	return nil
}

// formerContacts takes routes and the present contacts of their subscriptions. It returns the former
// contacts to which the mail was sent: the newest of which the campaign has events through the
// subscription, if it has none of the present contact.
func (s *Service) formerContacts(
	ctx context.Context, routes map[route]int64,
) (map[route]*ent.FormerContact, error) {
	var campaigns, subscriptions, contacts []int64
	for r, present := range routes {
		campaigns, subscriptions = append(campaigns, r.campaign), append(subscriptions, r.subscription)
		contacts = append(contacts, present)
	}
	former := map[int64][]*ent.FormerContact{}
	for some := range slices.Chunk(store.Distinct(subscriptions), rowsAtOnce) {
		rows, err := s.db.Client(ctx).FormerContact.Query().
			Where(formercontact.SubscriberIDIn(some...)).
			Order(formercontact.ByID()).
			All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			former[row.SubscriberID] = append(former[row.SubscriberID], row)
			contacts = append(contacts, row.ContactID)
		}
	}
	if len(former) == 0 {
		return nil, nil
	}
	reached := map[route][]int64{}
	for some := range slices.Chunk(store.Distinct(contacts), rowsAtOnce) {
		if err := s.sql(ctx).reached(ctx, reached, some, store.Distinct(campaigns)); err != nil {
			return nil, err
		}
	}
	found := map[route]*ent.FormerContact{}
	for r, present := range routes {
		if slices.Contains(reached[r], present) {
			continue
		}
		for _, row := range former[r.subscription] {
			if slices.Contains(reached[r], row.ContactID) {
				found[r] = row
			}
		}
	}
	return found, nil
}

// reached adds, for events that the campaigns have of the contacts, the contacts by route. It reads
// the events of the contacts, which are few.
func (s statements) reached(ctx context.Context, to map[route][]int64, contacts, campaigns []int64) error {
	t := s.Text()
	t.WriteString("SELECT DISTINCT campaign_id,subscriber_id,contact_id FROM events ")
	if s.lite {
		t.WriteString("INDEXED BY event_contact_id_kind_at_automated")
	} else {
		t.WriteString("FORCE INDEX (event_contact_id_kind_at_automated)")
	}
	t.WriteString(" WHERE contact_id IN (")
	t.List(store.Args(contacts))
	t.WriteString(") AND campaign_id IN (")
	t.List(store.Args(campaigns))
	t.WriteString(") AND subscriber_id IS NOT NULL")
	return s.Query(ctx, t, func(rows store.Rows) error {
		var r route
		var contact int64
		err := rows.Scan(&r.campaign, &r.subscription, &contact)
		to[r] = append(to[r], contact)
		return err
	})
}
