package demo

import (
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// mailing is one campaign with all that belongs to it.
type mailing struct {
	id      int64
	theme   int
	name    string
	tags    []int
	status  kind.CampaignStatus
	reason  string
	created time.Time
	changes []change
	// email is nil, and target noTarget, where the campaign still lacks it.
	email  *email
	target int
	plan   schedule.Schedule
	next   *time.Time
	// variations are the emails of its A/B test, if it has one.
	variations []*email
	resend     bool
	rss        bool
	approval   string

	started, finished *time.Time
	// gap lies between two mails; reach is the share of recipients that sending came to before it
	// stopped; the next few, as many as refused says, are those whose mails the relay turned down.
	gap     time.Duration
	reach   float64
	refused int
	// appeal scales the inclination of its recipients to open it.
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

// outcome is what came of a sending: the events, and what is summed from them.
type outcome struct {
	recipients int64
	events     []event
	total      ent.HourlyCounter
	hours      []*ent.HourlyCounter
	domains    map[string]*ent.HourlyCounter
	links      []*link
}

type event struct {
	kind      kind.EventKind
	at        time.Time
	to        *person
	automated bool
	// link is the one that was clicked.
	link   *link
	reason string
	agent  string
	ip     string
	amount int64
}

type link struct {
	id             int64
	url            string
	clicks, unique int64
	clickers       map[*person]bool
}

// record appends a change, to the second, that leads to a status, which may be the present one.
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

// draft records the making of the campaign and the filling in of what it has, between its creation and until.
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

// ready records that the campaign may go out, after an approval if it has one.
func (m *mailing) ready(at time.Time, surface kind.Surface) {
	if m.approval == "" {
		m.record(at, campaignchange.ActionUpdate, surface, kind.StatusReady, "status", "")
		return
	}
	asked := at.Add(-at.Sub(m.created) / 10)
	m.record(asked, campaignchange.ActionUpdate, surface, kind.StatusPendingApproval, "status", "")
	m.record(at, campaignchange.ActionApprove, kind.SurfaceGraphQL, kind.StatusReady, "status", "")
}

// begin records that the sender took the campaign.
func (m *mailing) begin() {
	m.record(*m.started, campaignchange.ActionSend, kind.SurfaceSender, kind.StatusSending, "status", "")
}

// ended is a little after the last mail was handed over.
func (m *mailing) ended() time.Time {
	at := m.started.Add(time.Second)
	for _, e := range m.events {
		if (e.kind == kind.EventSent || e.kind == kind.EventFailed) && e.at.After(at) {
			at = e.at
		}
	}
	return at.Add(2 * time.Second).Truncate(time.Second)
}

// lastChange is when the campaign was changed last.
func (m *mailing) lastChange() time.Time { return m.changes[len(m.changes)-1].at }
