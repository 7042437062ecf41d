package event

import (
	"context"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Activity is something that recipients of a campaign did, or that became of their message. It is
// one or several kinds of events.
type Activity string

// The activities, as the legacy command Campaign.Recipients.Activity.Get names them.
const (
	ActivityOpen           Activity = "open"
	ActivityClick          Activity = "click"
	ActivityBounce         Activity = "bounce"
	ActivityUnsubscription Activity = "unsubscription"
	ActivityForward        Activity = "forward"
	ActivityConversion     Activity = "conversion"
)

// MaxActive is the maximum number of people of one page of Active.
const MaxActive = 1000

var kindsOfActivity = map[Activity][]kind.EventKind{
	ActivityOpen:           {kind.EventOpened},
	ActivityClick:          {kind.EventClicked},
	ActivityBounce:         {kind.EventHardBounced, kind.EventSoftBounced},
	ActivityUnsubscription: {kind.EventUnsubscribed},
	ActivityForward:        {kind.EventForwarded},
	ActivityConversion:     {kind.EventConverted},
}

// ParseActivity reads an activity, in any case. For another text the error is Invalid, reason
// "value_invalid", on the field activity.
func ParseActivity(text string) (Activity, error) {
	a := Activity(strings.ToLower(strings.TrimSpace(text)))
	if kindsOfActivity[a] == nil {
		return "", apperr.InvalidField(
			"activity", apperr.ReasonValueInvalid, "is none of open, click, bounce, unsubscription, forward and conversion",
		)
	}
	return a, nil
}

// ActiveFilter selects people of a campaign.
type ActiveFilter struct {
	Activity Activity
	// Search is a part of the address, in any case; empty for everybody.
	Search string
}

// Active is one person with an activity in a campaign.
type Active struct {
	ContactID int64
	// SubscriberID is a subscription that the events name, or 0.
	SubscriberID int64
	// Count is the number of events, and Last the time of the newest one.
	Count int64
	Last  time.Time
	// HardBounced is true if one of the events is a hard bounce.
	HardBounced bool
	// Amount is the sum of the events in hundredths, whatever their currency.
	Amount int64
	// Variation is the variation of an A/B test that the person got, or 0.
	Variation int64
}

// Active returns the people with an activity in a campaign that was found for the caller, those with
// the newest event first, and how many there are in all. It passes over offset of them and returns at
// most limit, which is at most MaxActive. Events caused by machines do not count. It runs three
// statements, of which the first two read all events of the activity along an index. The campaign
// needs its id.
func (s *Service) Active(
	ctx context.Context, c *ent.Campaign, filter ActiveFilter, offset, limit int,
) (people []Active, total int, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, 0, err
	}
	sql := s.sql(ctx)
	_, err = store.Heavy(ctx, s.db, func(ctx context.Context) (none struct{}, err error) {
		if total, err = sql.countActive(ctx, c.ID, filter); err == nil && total > offset {
			people, err = sql.active(ctx, c.ID, filter, offset, min(limit, MaxActive))
		}
		return none, err
	})
	if err == nil && len(people) > 0 {
		err = sql.detailActive(ctx, c.ID, filter.Activity, people)
	}
	return people, total, store.Translate(err)
}

func (s statements) countActive(ctx context.Context, campaignID int64, filter ActiveFilter) (total int, err error) {
	t := s.Text()
	t.WriteString("SELECT COUNT(DISTINCT contact_id)")
	filter.from(t, campaignID)
	err = s.Query(ctx, t, func(rows store.Rows) error { return rows.Scan(&total) })
	return total, err
}

func (s statements) active(
	ctx context.Context, campaignID int64, filter ActiveFilter, offset, limit int,
) (people []Active, err error) {
	t := s.Text()
	t.WriteString("SELECT contact_id,COUNT(*),MAX(at) AS latest")
	filter.from(t, campaignID)
	t.WriteString(" GROUP BY contact_id ORDER BY latest DESC,contact_id DESC LIMIT ")
	t.Value(int64(limit))
	t.WriteString(" OFFSET ")
	t.Value(int64(offset))
	err = s.Query(ctx, t, func(rows store.Rows) error {
		var a Active
		var last store.Instant
		err := rows.Scan(&a.ContactID, &a.Count, &last)
		a.Last = last.Time
		people = append(people, a)
		return err
	})
	return people, err
}

// detailActive reads what the index of the activity does not hold.
func (s statements) detailActive(ctx context.Context, campaignID int64, of Activity, people []Active) error {
	at, ids := make(map[int64]*Active, len(people)), make([]int64, len(people))
	for i := range people {
		at[people[i].ContactID], ids[i] = &people[i], people[i].ContactID
	}
	slices.Sort(ids)
	t := s.Text()
	t.WriteString("SELECT contact_id,COALESCE(MAX(subscriber_id),0),MAX(CASE WHEN kind=")
	t.Value(string(kind.EventHardBounced))
	t.WriteString(" THEN 1 ELSE 0 END),CAST(SUM(amount) AS SIGNED),COALESCE(MAX(variation),0)")
	ActiveFilter{Activity: of}.from(t, campaignID)
	t.WriteString(" AND contact_id IN (")
	t.List(store.Args(ids))
	t.WriteString(") GROUP BY contact_id")
	return s.Query(ctx, t, func(rows store.Rows) error {
		var a Active
		var hard int64
		if err := rows.Scan(&a.ContactID, &a.SubscriberID, &hard, &a.Amount, &a.Variation); err != nil {
			return err
		}
		if known := at[a.ContactID]; known != nil {
			known.SubscriberID, known.HardBounced = a.SubscriberID, hard == 1
			known.Amount, known.Variation = a.Amount, a.Variation
		}
		return nil
	})
}

// from writes FROM and WHERE for the events that the filter selects.
func (f ActiveFilter) from(t *store.Text, campaignID int64) {
	kinds := kindsOfActivity[f.Activity]
	names := make([]any, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	t.WriteString(" FROM events WHERE campaign_id=")
	t.Value(campaignID)
	t.WriteString(" AND kind IN (")
	t.List(names)
	t.WriteString(") AND automated=")
	t.Value(false)
	if part := kind.FoldPart(kind.Clean(f.Search)); part != "" {
		t.WriteString(" AND EXISTS (SELECT 1 FROM contacts c WHERE c.id=events.contact_id AND INSTR(c.email_key,")
		t.Value(part)
		t.WriteString(")>0)")
	}
}
