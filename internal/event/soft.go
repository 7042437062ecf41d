package event

import (
	"context"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

const (
	// DefaultSoftBounceLimit is the default of Options.SoftBounceLimit.
	DefaultSoftBounceLimit = 5
	// arrived is the time after which a mail that was sent and did not bounce counts as received.
	arrived = 5 * 24 * time.Hour
)

// signs are the kinds of events that show that mail reaches a person. Events of machines do not
// count.
var signs = []kind.EventKind{kind.EventDelivered, kind.EventOpened, kind.EventClicked}

// after returns the state of a contact with a number of campaigns in a row that ended in a soft
// bounce. A hard bounce stays, and so does an invalid address.
func (s *Service) after(c *ent.Contact, row int64) contact.State {
	to := contact.State{Deliverability: c.Deliverability, SoftBounces: row}
	if c.Deliverability == kind.BounceHard || c.Deliverability == kind.BounceInvalid {
		return to
	}
	switch {
	case row == 0:
		to.Deliverability = kind.BounceNone
	case row < int64(s.softBounceLimit):
		to.Deliverability = kind.BounceSoft
	default:
		to.Deliverability = kind.BounceHard
	}
	return to
}

// bounceOf is a bounce or a sending: an instant in a campaign.
type bounceOf struct {
	campaign int64
	at       time.Time
}

// bounces are the bounces of a contact that count.
type bounces struct {
	// row is the number of campaigns in a row that ended in a soft bounce.
	row int64
	// soft says that there are soft bounces, in a row or not. hard says that a mail came back for good.
	soft, hard bool
}

// bouncesOf returns the bounces of each contact. In a row are the campaigns with a soft bounce after
// the last sign of life. A sign of life is an event of signs, the instant from which the contact
// counts as deliverable again, or a mail that was sent, did not bounce, and was sent five days before
// the last soft bounce or earlier. The result depends on the recorded events alone, not on their
// order of arrival or on the clock. The contacts need deliverable_since.
func (s statements) bouncesOf(
	ctx context.Context, ids []int64, contacts map[int64]*ent.Contact,
) (map[int64]bounces, error) {
	found := make(map[int64]bounces, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	soft, err := s.ofContacts(ctx, ids, kind.EventSoftBounced)
	if err != nil {
		return nil, err
	}
	hard, err := s.ofContacts(ctx, ids, kind.EventHardBounced)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		counts := func(b bounceOf) bool { return !bouncedBefore(b.at, contacts[id]) }
		found[id] = bounces{hard: slices.ContainsFunc(hard[id], counts)}
	}
	softened := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return len(soft[id]) == 0 })
	if len(softened) == 0 {
		return found, nil
	}
	last, err := s.lastSigns(ctx, softened)
	if err != nil {
		return nil, err
	}
	sendings, err := s.ofContacts(ctx, softened, kind.EventSent)
	if err != nil {
		return nil, err
	}
	for _, id := range softened {
		if since := contacts[id].DeliverableSince; since != nil {
			last[id] = latest(last[id], since.Add(-maxClockSkew))
		}
		found[id] = bounces{inARow(soft[id], hard[id], sendings[id], last[id]), true, found[id].hard}
	}
	return found, nil
}

// inARow counts the campaigns with a soft bounce after the last sign of life.
func inARow(soft, hard, sendings []bounceOf, last time.Time) int64 {
	bounced, newest := map[int64]bool{}, time.Time{}
	for _, b := range soft {
		bounced[b.campaign], newest = true, latest(newest, b.at)
	}
	for _, b := range hard {
		bounced[b.campaign] = true
	}
	for _, sending := range sendings {
		if !bounced[sending.campaign] && !sending.at.Add(arrived).After(newest) {
			last = latest(last, sending.at)
		}
	}
	row := map[int64]bool{}
	for _, b := range soft {
		if b.at.After(last) {
			row[b.campaign] = true
		}
	}
	return int64(len(row))
}

// lastSigns returns, for each contact, the instant of its last event of signs. One entry of an
// index answers for each contact and kind, however many events there are.
func (s statements) lastSigns(ctx context.Context, ids []int64) (map[int64]time.Time, error) {
	last := make(map[int64]time.Time, len(ids))
	columns := make([]string, len(signs))
	for i, what := range signs {
		columns[i] = "(SELECT e.at FROM events e WHERE e.contact_id=c.id AND e.kind='" + string(what) +
			"' AND e.automated=0 ORDER BY e.at DESC LIMIT 1)"
	}
	t := s.Text()
	t.WriteString("SELECT c.id," + strings.Join(columns, ",") + " FROM contacts c WHERE c.id IN (")
	t.List(store.Args(ids))
	t.WriteString(")")
	err := s.Query(ctx, t, func(rows store.Rows) error {
		var id int64
		at := make([]store.Instant, len(signs))
		into := []any{&id}
		for i := range at {
			into = append(into, &at[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, a := range at {
			last[id] = latest(last[id], a.Time)
		}
		return nil
	})
	return last, err
}

// ofContacts returns the events of one kind of contacts.
func (s statements) ofContacts(ctx context.Context, ids []int64, what kind.EventKind) (map[int64][]bounceOf, error) {
	found := map[int64][]bounceOf{}
	t := s.Text()
	t.WriteString("SELECT contact_id,campaign_id,at FROM events WHERE contact_id IN (")
	t.List(store.Args(ids))
	t.WriteString(") AND kind=")
	t.Value(string(what))
	t.WriteString(" AND automated=0")
	err := s.Query(ctx, t, func(rows store.Rows) error {
		var id int64
		var b bounceOf
		var at store.Instant
		if err := rows.Scan(&id, &b.campaign, &at); err != nil {
			return err
		}
		b.at = at.Time
		found[id] = append(found[id], b)
		return nil
	})
	return found, err
}
