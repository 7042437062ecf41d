package event

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	"campaignql/ent/formercontact"
	entsubscriber "campaignql/ent/subscriber"
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

// passage is the way of a campaign to a person: through a subscription.
type passage struct{ campaign, subscription int64 }

// byFormer finds the contacts of events that name a subscription which has moved to another contact
// since its campaign went out.
func (b *batch) byFormer(ctx context.Context, events []*entry, found map[int64]*ent.Subscriber) error {
	var late []*entry
	ways := map[passage]int64{}
	for _, e := range events {
		if p := found[e.SubscriberID]; p != nil && p.UserID == e.owner && hasMoved(p) {
			late = append(late, e)
			ways[passage{e.CampaignID, p.ID}] = p.ContactID
		}
	}
	former, err := b.formerly(ctx, ways)
	for _, e := range late {
		if was := former[passage{e.CampaignID, e.subscription}]; was != 0 {
			e.contactID, e.present = was, e.contactID
		}
	}
	return err
}

// formerly takes campaigns and subscriptions with their present contacts. It returns the contacts to
// which the mail was sent, where it was a former one: the newest of which the campaign has events
// through the subscription, if it has none of the present contact.
func (s *Service) formerly(ctx context.Context, ways map[passage]int64) (map[passage]int64, error) {
	var campaigns, subscriptions, contacts []int64
	for way, present := range ways {
		campaigns, subscriptions = append(campaigns, way.campaign), append(subscriptions, way.subscription)
		contacts = append(contacts, present)
	}
	if len(ways) == 0 {
		return nil, nil
	}
	subscriptions = store.Distinct(subscriptions)
	former, err := s.db.Client(ctx).FormerContact.Query().
		Where(formercontact.SubscriberIDIn(subscriptions...)).
		Order(formercontact.ByID()).
		Select(formercontact.FieldSubscriberID, formercontact.FieldContactID).
		All(ctx)
	if err != nil || len(former) == 0 {
		return nil, err
	}
	for _, row := range former {
		contacts = append(contacts, row.ContactID)
	}
	var rows []struct {
		Campaign     int64 `sql:"campaign_id"`
		Subscription int64 `sql:"subscriber_id"`
		Contact      int64 `sql:"contact_id"`
	}
	// The contacts are named so that an index finds the events.
	err = s.db.Client(ctx).Event.Query().
		Where(
			entevent.ContactIDIn(store.Distinct(contacts)...), entevent.CampaignIDIn(store.Distinct(campaigns)...),
			entevent.SubscriberIDIn(subscriptions...),
		).
		GroupBy(entevent.FieldCampaignID, entevent.FieldSubscriberID, entevent.FieldContactID).
		Scan(ctx, &rows)
	reached := make(map[passage][]int64, len(rows))
	for _, row := range rows {
		way := passage{row.Campaign, row.Subscription}
		reached[way] = append(reached[way], row.Contact)
	}
	found := map[passage]int64{}
	for way, present := range ways {
		of := reached[way]
		if slices.Contains(of, present) {
			continue
		}
		for _, row := range former {
			if row.SubscriberID == way.subscription && slices.Contains(of, row.ContactID) {
				found[way] = row.ContactID
			}
		}
	}
	return found, err
}
