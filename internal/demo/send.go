package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"campaignql/ent/campaignchange"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// send simulates the past in chronological order, so that a person who unsubscribed, complained or
// bounced gets no more mail.
func (w *world) send() {
	var begun []*mailing
	for _, m := range w.campaigns {
		if m.started != nil {
			begun = append(begun, m)
		}
	}
	slices.SortStableFunc(begun, func(a, b *mailing) int { return a.started.Compare(*b.started) })
	for _, m := range begun {
		w.deliver(m)
		m.sum()
		w.finish(m)
	}
}

// finish records the end of a sending that has ended.
func (w *world) finish(m *mailing) {
	if m.status != kind.StatusSending || w.now.Sub(*m.started) < settled {
		return
	}
	end := m.ended()
	m.finished = &end
	if m.reach < 1 {
		m.record(
			end, campaignchange.ActionCancel, kind.SurfaceGraphQL, kind.StatusSent, "status", campaign.ReasonCanceled,
		)
		return
	}
	m.record(end, campaignchange.ActionFinish, kind.SurfaceSender, kind.StatusSent, "status", "")
}

// reached returns the recipients of a campaign: each address once, only people who may receive mail
// when it begins.
func (w *world) reached(m *mailing) []*person {
	if m.target == noTarget || m.email == nil {
		return nil
	}
	t := targets[m.target]
	taken := map[string]bool{}
	for _, s := range w.suppressions {
		if s.at.Before(*m.started) {
			taken[s.email] = true
		}
	}
	if t.leaves != nil {
		for _, p := range w.people {
			if t.leaves(p) {
				taken[p.email] = true
			}
		}
	}
	var out []*person
	for _, p := range w.people {
		gone := p.status == kind.SubscriberPending || p.bounce == kind.BounceHard ||
			p.left != nil && p.left.Before(*m.started)
		if t.chooses(p) && !gone && !p.joined.After(*m.started) && !taken[p.email] {
			taken[p.email] = true
			out = append(out, p)
		}
	}
	return out
}

func (w *world) deliver(m *mailing) {
	recipients := w.reached(m)
	m.recipients = int64(len(recipients))
	count := int(float64(len(recipients))*m.reach + 0.5)
	if m.status == kind.StatusSending && w.now.Sub(*m.started) < settled && count > 0 {
		// The campaign is being sent right now: a mail sent a few seconds ago has arrived.
		m.gap = w.now.Add(-10*time.Second).Sub(*m.started) / time.Duration(count)
	}
	for i, p := range recipients[:count] {
		w.mail(m, p, m.started.Add(time.Duration(i)*m.gap).Truncate(time.Millisecond))
	}
	refused := recipients[count:min(len(recipients), count+m.refused)]
	for i, p := range refused {
		m.add(
			w.now,
			event{
				kind: kind.EventFailed, to: p,
				at: m.started.Add(time.Duration(count+i) * m.gap).Truncate(time.Millisecond), reason: relayReason,
			},
		)
	}
}

// add appends an event unless it is in the future, and reports whether it did.
func (m *mailing) add(now time.Time, e event) bool {
	if e.at.After(now) {
		return false
	}
	m.events = append(m.events, e)
	return true
}

// mail sends to one person and simulates the events that follow.
func (w *world) mail(m *mailing, p *person, at time.Time) {
	if w.chance(0.002) {
		m.add(w.now, event{kind: kind.EventFailed, to: p, at: at, reason: rejectedReason})
		return
	}
	m.add(w.now, event{kind: kind.EventSent, to: p, at: at})
	arrived := at.Add(w.between(200*time.Millisecond, 5*time.Second)).Truncate(time.Millisecond)
	switch x := w.rand.Float64(); {
	case x < 0.002:
		p.bounce = kind.BounceHard
		m.add(w.now, event{kind: kind.EventHardBounced, to: p, at: arrived, reason: hardBounceReason})
		return
	case x < 0.009:
		if m.add(w.now, event{kind: kind.EventSoftBounced, to: p, at: arrived, reason: softBounceReason}) {
			p.bounce, p.softBounces = kind.BounceSoft, p.softBounces+1
		}
		return
	}
	if m.add(w.now, event{kind: kind.EventDelivered, to: p, at: arrived}) {
		p.bounce, p.softBounces = kind.BounceNone, 0
	}
	w.scan(m, p, arrived)
	if w.chance(p.opens * m.appeal) {
		w.read(m, p, arrived)
	}
}

// scan simulates machines that open or click some mails on arrival.
func (w *world) scan(m *mailing, p *person, arrived time.Time) {
	at := arrived.Add(w.between(500*time.Millisecond, 4*time.Second)).Truncate(time.Millisecond)
	if w.chance(0.03) {
		m.add(
			w.now,
			event{kind: kind.EventOpened, to: p, at: at, automated: true, agent: machineAgent, ip: "198.51.100.7"},
		)
	}
	if w.chance(0.01) {
		m.add(
			w.now,
			event{
				kind: kind.EventClicked, to: p, at: at, automated: true, agent: machineAgent, ip: "198.51.100.7",
				link: m.link(m.email.links[0]),
			},
		)
	}
}

// read simulates a person with a mail: they open it, perhaps again, click, buy, forward it,
// unsubscribe or complain.
func (w *world) read(m *mailing, p *person, arrived time.Time) {
	opened := arrived.Add(w.delay(arrived))
	seen := event{
		kind: kind.EventOpened, to: p, at: opened, agent: pick(w, userAgents),
		ip: fmt.Sprintf("203.0.113.%d", 1+w.rand.IntN(254)),
	}
	if !m.add(w.now, seen) {
		return
	}
	later := func(what kind.EventKind, within time.Duration) event {
		e := seen
		e.kind, e.at = what, opened.Add(w.between(2*time.Second, within)).Truncate(time.Millisecond)
		return e
	}
	for w.chance(0.3) {
		m.add(w.now, later(kind.EventOpened, 40*time.Hour))
	}
	if w.chance(0.015) {
		m.add(w.now, later(kind.EventViewedInBrowser, time.Minute))
	}
	if w.chance(0.006) {
		m.add(w.now, later(kind.EventForwarded, 10*time.Minute))
	}
	if w.chance(p.clicks) {
		w.click(m, later)
	}
	if p.left != nil {
		return
	}
	if x := w.rand.Float64(); x < 0.0045 {
		w.leave(m, p, later(kind.EventUnsubscribed, time.Hour))
	} else if x < 0.0053 {
		w.leave(m, p, later(kind.EventComplained, time.Hour))
	}
}

func (w *world) click(m *mailing, later func(kind.EventKind, time.Duration) event) {
	for {
		// The upper links get the most clicks.
		e := later(kind.EventClicked, 15*time.Minute)
		e.link = m.link(m.email.links[min(w.rand.IntN(len(m.email.links)), w.rand.IntN(len(m.email.links)))])
		if !m.add(w.now, e) {
			return
		}
		if w.chance(0.12) {
			bought := e
			bought.kind, bought.link, bought.at = kind.EventConverted, nil, e.at.Add(w.between(time.Minute, 40*time.Minute)).
				Truncate(time.Millisecond)
			bought.amount, bought.currency = 990+100*int64(w.rand.ExpFloat64()*60), "EUR"
			if e.to.list == japan {
				bought.amount, bought.currency = bought.amount/100*16_000, "JPY"
			}
			m.add(w.now, bought)
		}
		if !w.chance(0.3) {
			return
		}
	}
}

// leave unsubscribes a person from the lists of the campaign, and from all lists after a complaint.
func (w *world) leave(m *mailing, p *person, e event) {
	if !m.add(w.now, e) {
		return
	}
	for _, q := range w.people {
		there := q.mailbox == p.mailbox && q.left == nil && !q.joined.After(e.at)
		if there && (e.kind == kind.EventComplained || targets[m.target].chooses(q)) {
			q.status, q.left = kind.SubscriberUnsubscribed, &e.at
		}
	}
	if e.kind == kind.EventComplained {
		w.suppressions = append(w.suppressions, suppression{p.email, kind.SuppressedByComplaint, e.at})
	}
}

// delay returns how long a mail stays unread: hours for two mails in three, about a day for the
// others. Few mails are read at night.
func (w *world) delay(arrived time.Time) time.Duration {
	mean := 100 * time.Minute
	if w.chance(0.36) {
		mean = 22 * time.Hour
	}
	wait := min(time.Duration(w.rand.ExpFloat64()*float64(mean))+3*time.Second, 12*day)
	if hour := arrived.Add(wait).In(w.zone).Hour(); hour < 6 && !w.chance(0.1) {
		wait += time.Duration(6-hour)*time.Hour + w.between(0, 4*time.Hour)
	}
	return wait.Truncate(time.Millisecond)
}

// link returns the counter of a link of the campaign.
func (m *mailing) link(url string) *link {
	for _, l := range m.links {
		if l.url == url {
			return l
		}
	}
	l := &link{url: url, clickers: map[*person]bool{}}
	m.links = append(m.links, l)
	return l
}

func byTime(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.kind, b.kind)) }
