package demo

import (
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// mailing is one campaign with all its data.
type mailing struct {
	id      int64
	theme   int
	name    string
	tags    []int
	status  kind.CampaignStatus
	reason  string
	created time.Time
	changes []change
	// email is nil, and target is noTarget, if the campaign does not have them yet.
	email  *email
	target int
	plan   schedule.Schedule
	next   *time.Time
	// variations are the emails of its A/B test, or empty.
	variations []*email
	resend     bool
	rss        bool
	approval   string

	started, finished *time.Time
	// gap is the time between two mails. reach is the fraction of recipients reached before sending
	// stopped. refused is how many of the next recipients' mails the relay rejected.
	gap     time.Duration
	reach   float64
	refused int
	// appeal scales the probability that its recipients open it.
	appeal float64
	outcome
}

const noTarget = -1

// change is one entry of the history.
type change struct {
	action  campaignchange.Action
	surface kind.Surface
	from    *kind.CampaignStatus
	to      kind.CampaignStatus
	at      time.Time
	fields  string
	reason  string
}

// outcome is the result of a sending: the events, and the sums over them.
type outcome struct {
	recipients int64
	events     []event
	total      ent.HourlyCounter
	hours      []*ent.HourlyCounter
	domains    map[string]*ent.HourlyCounter
	links      []*link
	// amounts are the sums of what was bought.
	amounts map[amountKey]int64
}

type event struct {
	kind      kind.EventKind
	at        time.Time
	to        *person
	automated bool
	// link is the clicked link.
	link   *link
	reason string
	agent  string
	ip     string
	// amount is in hundredths of currency; both are empty unless something was bought.
	amount   int64
	currency string
}

type link struct {
	id             int64
	url            string
	clicks, unique int64
	clickers       map[*person]bool
}

// record appends a change, truncated to the second, to a status. The status may be the current one.
func (m *mailing) record(
	at time.Time, action campaignchange.Action, surface kind.Surface, to kind.CampaignStatus, fields, reason string,
) {
	at = at.Truncate(time.Second)
	c := change{action: action, surface: surface, to: to, at: at, fields: fields, reason: reason}
	if len(m.changes) > 0 {
		from := m.status
		c.from = &from
	}
	if to != m.status {
		m.status, m.reason = to, reason
	}
	m.changes = append(m.changes, c)
}

// draft records that the campaign was created and completed, between its creation and until.
func (m *mailing) draft(until time.Time, surface kind.Surface) {
	m.record(m.created, campaignchange.ActionCreate, surface, kind.StatusDraft, "", "")
	span := until.Sub(m.created)
	if m.email != nil {
		m.record(m.created.Add(span/5), campaignchange.ActionUpdate, surface, kind.StatusDraft, "email", "")
	}
	if m.target != noTarget {
		m.record(m.created.Add(span/2), campaignchange.ActionUpdate, surface, kind.StatusDraft, "audience", "")
	}
	if m.plan.Type != kind.ScheduleNone {
		m.record(m.created.Add(span*4/5), campaignchange.ActionUpdate, surface, kind.StatusDraft, "schedule", "")
	}
}

// ready records that the campaign became ready, after an approval if it has one.
func (m *mailing) ready(at time.Time, surface kind.Surface) {
	if m.approval == "" {
		m.record(at, campaignchange.ActionUpdate, surface, kind.StatusReady, "status", "")
		return
	}
	asked := at.Add(-at.Sub(m.created) / 10)
	m.record(asked, campaignchange.ActionUpdate, surface, kind.StatusPendingApproval, "status", "")
	m.record(at, campaignchange.ActionApprove, kind.SurfaceGraphQL, kind.StatusReady, "status", "")
}

// begin records that the sender started the campaign.
func (m *mailing) begin() {
	m.record(*m.started, campaignchange.ActionSend, kind.SurfaceSender, kind.StatusSending, "status", "")
}

// ended returns a time shortly after the last mail was sent.
func (m *mailing) ended() time.Time {
	at := m.started.Add(time.Second)
	for _, e := range m.events {
		if (e.kind == kind.EventSent || e.kind == kind.EventFailed) && e.at.After(at) {
			at = e.at
		}
	}
	return at.Add(2 * time.Second).Truncate(time.Second)
}

// lastChange returns the time of the last change of the campaign.
func (m *mailing) lastChange() time.Time { return m.changes[len(m.changes)-1].at }
