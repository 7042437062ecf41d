package main

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	entevent "campaignql/ent/event"
	"campaignql/ent/runrecipient"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// watch looks at runs while they are sent, until the function that it returns is called: the counts in
// the row of a run are those of its recipients at every commit, and nobody is open in a campaign that
// is Sent.
func (m *mailings) watch() (end func()) {
	ctx, cancel := context.WithCancel(caller.System(m.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for looks := uint64(0); ctx.Err() == nil; looks++ {
			err := m.db.Snapshot(ctx, func(ctx context.Context) error { return m.look(ctx, looks) })
			if err != nil && ctx.Err() == nil {
				m.Error(err)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// look compares one run with its recipients.
func (m *mailings) look(ctx context.Context, number uint64) error {
	client := m.db.Client(ctx)
	ids, err := client.CampaignRun.Query().IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	r, err := client.CampaignRun.Get(ctx, ids[number%uint64(len(ids))])
	if err != nil {
		return err
	}
	rows, err := client.RunRecipient.Query().Where(runrecipient.RunID(r.ID)).
		Select(runrecipient.FieldState).All(ctx)
	if err != nil {
		return err
	}
	c, err := client.Campaign.Get(ctx, r.CampaignID)
	if ent.IsNotFound(err) {
		return nil // its recipients are being purged
	}
	if err != nil {
		return err
	}
	m.sameCounts(r, rows)
	if open := r.Pending + r.Begun + r.Deferred; open > 0 && c.Status == kind.StatusSent && r.Phase == kind.RunDone {
		m.Errorf("campaign %d is sent, with %d open recipients", c.ID, open)
	}
	return nil
}

// sameCounts compares the counts in the row of a run with its recipients.
func (m *mailings) sameCounts(r *ent.CampaignRun, rows []*ent.RunRecipient) {
	states := recipientStates(rows)
	for state, is := range map[kind.RecipientState]int64{
		kind.RecipientPending: r.Pending, kind.RecipientBegun: r.Begun, kind.RecipientDeferred: r.Deferred,
		kind.RecipientSent: r.Sent, kind.RecipientFailed: r.Failed, kind.RecipientUnknown: r.Unknown,
		kind.RecipientSkipped: r.Skipped,
	} {
		if is != states[state] {
			m.Errorf("run %d: counts %d %s, has %d", r.ID, is, state, states[state])
		}
	}
	if r.Total != int64(len(rows)) {
		m.Errorf("run %d: counts %d recipients, has %d", r.ID, r.Total, len(rows))
	}
}

// compare compares every run with the log of the mail server, the events and the counters.
func (m *mailings) compare() {
	m.Helper()
	taken := map[string]map[string]int{} // by Message-ID and address
	for _, entry := range m.sink.Log() {
		if taken[entry.MessageID] == nil {
			taken[entry.MessageID] = map[string]int{}
		}
		taken[entry.MessageID][entry.Address]++
	}
	ctx := caller.System(m.Context())
	var unknown, doubtful int64
	for _, c := range m.all {
		if c.deleted {
			continue
		}
		runs, err := m.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(c.id)).All(ctx)
		m.must(err)
		for _, r := range runs {
			rows, err := m.db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunID(r.ID)).All(ctx)
			m.must(err)
			m.sameCounts(r, rows)
			for _, row := range rows {
				m.judge(c, row, taken)
				if row.State == kind.RecipientUnknown {
					unknown++
				}
				if strings.Contains(m.emails[row.ContactID], "drop") {
					doubtful++
				}
			}
			m.complete(c, r, rows)
		}
		m.counters(c, runs)
	}
	for id, to := range taken {
		if len(to) != 1 {
			m.Errorf("message %s went to %v", id, to)
		}
	}
	if most := int64(2*refereeBurst*(m.kills+m.stops)) + doubtful; unknown > most {
		m.Errorf("%d unknown after %d kills and %d stops, at most %d", unknown, m.kills, m.stops, most)
	}
	m.Logf("%d campaigns, %d messages, %d kills, %d stops, %d unknown", len(m.all), m.sink.Count(), m.kills, m.stops, unknown)
}

// judge compares one recipient with the log.
func (m *mailings) judge(c *mailing, row *ent.RunRecipient, taken map[string]map[string]int) {
	m.Helper()
	of := attempt{row.RunID, row.ContactID}
	got := taken[messageID(of)]
	n := got[m.emails[row.ContactID]]
	switch again := m.again[of]; {
	case n > 1+again:
		m.Errorf("%v got %d messages, and was tried again %d times", of, n, again)
	case row.State == kind.RecipientSent && n == 0 && !m.assumed[of]:
		m.Errorf("%v is sent, and got nothing", of)
	case n > 0 && again == 0 && row.State != kind.RecipientSent && row.State != kind.RecipientUnknown:
		m.Errorf("%v got a message, and is %s", of, row.State)
	}
	switch row.State {
	case kind.RecipientPending, kind.RecipientBegun, kind.RecipientDeferred:
		m.Errorf("%v is %s at the end", of, row.State)
	}
	if token, left := m.gone[of]; left && (token != row.Token || row.State != kind.RecipientSkipped) {
		m.Errorf("%v left before the begin, and is %s", of, row.State)
	}
}

// messageID is the id that the message to a recipient has.
func messageID(of attempt) string {
	return fmt.Sprintf("run%d.%d@shop.example.com", of.run, of.contact)
}

// complete looks for people on the list of a campaign whom its run has forgotten.
func (m *mailings) complete(c *mailing, r *ent.CampaignRun, rows []*ent.RunRecipient) {
	m.Helper()
	if r.FrozenAt == nil {
		return // canceled before
	}
	ctx := caller.System(m.Context())
	people, err := m.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ListID(c.list), entsubscriber.StatusEQ(kind.SubscriberSubscribed)).All(ctx)
	m.must(err)
	frozen := map[int64]bool{}
	for _, row := range rows {
		frozen[row.ContactID] = true
	}
	suppressed := map[string]bool{}
	all, err := m.db.Client(ctx).Suppression.Query().All(ctx)
	m.must(err)
	for _, s := range all {
		suppressed[s.Email] = true
	}
	for _, p := range people {
		if p.Bounce != kind.BounceHard && !suppressed[p.Email] && !frozen[p.ContactID] {
			m.Errorf("run %d: %s is on the list, and no recipient", r.ID, p.Email)
		}
	}
}

// counters compares the events and counters of a campaign with the recipients of its runs, and has the
// campaign recipientStates again, which must find nothing.
func (m *mailings) counters(c *mailing, runs []*ent.CampaignRun) {
	m.Helper()
	ctx := caller.System(m.Context())
	var sent, failed int64
	states := map[kind.RecipientState]map[attempt]bool{kind.RecipientSent: {}, kind.RecipientFailed: {}}
	for _, r := range runs {
		sent, failed = sent+r.Sent, failed+r.Failed
		rows, err := m.db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunID(r.ID)).All(ctx)
		m.must(err)
		for _, row := range rows {
			if of := states[row.State]; of != nil {
				of[attempt{row.RunID, row.ContactID}] = true
			}
		}
	}
	for state, event := range map[kind.RecipientState]kind.EventKind{
		kind.RecipientSent: kind.EventSent, kind.RecipientFailed: kind.EventFailed,
	} {
		events, err := m.db.Client(ctx).Event.Query().Where(entevent.CampaignID(c.id), entevent.KindEQ(event)).All(ctx)
		m.must(err)
		told := map[attempt]bool{}
		for _, e := range events {
			of := attempt{contact: e.ContactID}
			if e.RunID != nil {
				of.run = *e.RunID
			}
			if told[of] {
				m.Errorf("%v is told twice to be %s", of, state)
			}
			told[of] = true
		}
		if !maps.Equal(told, states[state]) {
			m.Errorf("campaign %d: %d events of %s, %d recipients", c.id, len(told), state, len(states[state]))
		}
	}
	stored, err := m.db.Client(ctx).Campaign.Get(ctx, c.id)
	m.must(err)
	if stored.TotalSent != sent || stored.TotalFailed != failed {
		m.Errorf("campaign %d counts %d sent and %d failed, its runs %d and %d",
			c.id, stored.TotalSent, stored.TotalFailed, sent, failed)
	}
	found, err := m.services.Events.Recount(ctx, c.id)
	m.must(err)
	for _, d := range found {
		m.Errorf("campaign %d: %+v", c.id, d)
	}
}
