package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/ent/campaignchange"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// The number of campaigns of each kind, 200 in total.
const (
	sentCampaigns     = 146
	canceledCampaigns = 7
	draftCampaigns    = 15 // and the newcomer's
	pendingCampaigns  = 6
	sendingCampaigns  = 4
	pausedCampaigns   = 4
	failedCampaigns   = 6
	soonCampaigns     = 2
)

const (
	day = 24 * time.Hour
	// past is how long the shop has been sending: 18 months.
	past = 540 * day
	// settled is the minimum age of a finished sending, so that it has results.
	settled = 6 * time.Hour
)

// plan creates the campaigns, decides when each was or will be sent, and orders them by creation
// time.
func (w *world) plan() error {
	for _, group := range []func() error{w.planSent, w.planDrafts, w.planPending, w.planReady, w.planRunning, w.planFailed} {
		if err := group(); err != nil {
			return err
		}
	}
	for i, m := range w.campaigns {
		if i%24 == 5 && m.email != nil {
			m.variations = w.variations(m)
		}
		m.resend = i%17 == 3 && m.started != nil
		m.rss = i%9 == 0
	}
	slices.SortStableFunc(w.campaigns, func(a, b *mailing) int { return a.created.Compare(b.created) })
	return nil
}

// variations returns the email of a campaign and one other email of its theme.
func (w *world) variations(m *mailing) []*email {
	both := []*email{m.email}
	for _, e := range w.emails {
		if e.theme == m.theme && e != m.email && len(both) < campaign.MinVariations {
			both = append(both, e)
		}
	}
	return both
}

// add creates a campaign of a theme that is to be sent around at. It is complete except for its
// schedule and its history.
func (w *world) add(themeIndex int, at, created time.Time) *mailing {
	t := themes[themeIndex]
	m := &mailing{
		theme:   themeIndex,
		name:    w.title(themeIndex, at),
		created: created.Truncate(time.Second),
		status:  kind.StatusDraft,
		target:  pick(w, t.targets),
		plan:    schedule.Schedule{Type: kind.ScheduleNone},
		gap:     w.between(300*time.Millisecond, 900*time.Millisecond),
		reach:   1,
		appeal:  0.8 + 0.4*w.rand.Float64(),
	}
	m.email = w.emails[themeIndex*len(t.subjects)+w.rand.IntN(len(t.subjects))]
	if !w.chance(0.15) {
		m.tags = slices.Clone(t.tags)
	}
	for range w.rand.IntN(3) {
		if extra := w.rand.IntN(len(tagNames)); !slices.Contains(m.tags, extra) {
			m.tags = append(m.tags, extra)
		}
	}
	w.campaigns = append(w.campaigns, m)
	return m
}

func (w *world) title(themeIndex int, at time.Time) string {
	t := themes[themeIndex]
	title := t.titles[w.titles[themeIndex]%len(t.titles)]
	w.titles[themeIndex]++
	w.numbers[title]++
	local := at.In(w.zone)
	return strings.NewReplacer(
		"{n}", strconv.Itoa(w.numbers[title]), "{month}", local.Month().String(), "{year}", strconv.Itoa(local.Year()),
	).Replace(title)
}

// seasonal picks a theme, other than the digest, that is sent in the month of at.
func (w *world) seasonal(at time.Time) int {
	for {
		i := 1 + w.rand.IntN(len(themes)-1)
		if months := themes[i].months; len(months) == 0 || slices.Contains(months, at.In(w.zone).Month()) {
			return i
		}
	}
}

// sending is a sending that has begun.
type sending struct {
	at    time.Time
	theme int
	clock string
}

// planSent plans the past: a digest each Monday, and other campaigns in between, a few of them
// canceled halfway.
func (w *world) planSent() error {
	var all []sending
	latest := w.now.Add(-settled)
	for at := latest; at.After(w.now.Add(-past)); at = at.Add(-day) {
		if at.In(w.zone).Weekday() != time.Monday {
			continue
		}
		s, err := w.sendingOn(at, "09:00:00")
		if err != nil {
			return err
		}
		if s.at.Before(latest) {
			all = append(all, s)
		}
	}
	others := sentCampaigns + canceledCampaigns - len(all)
	for i := range others {
		s, err := w.sendingOn(
			w.now.Add(-past+time.Duration(i)*(past-2*day)/time.Duration(others)),
			pick(w, []string{"10:00:00", "14:30:00", "17:00:00"}),
		)
		if err != nil {
			return err
		}
		s.theme = w.seasonal(s.at)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b sending) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.theme, b.theme)) })
	canceled := 0
	for i, s := range all {
		m := w.addSent(s, i)
		if s.theme != digest && i%18 == 11 && canceled < canceledCampaigns {
			canceled++
			m.reach = 0.2 + 0.6*w.rand.Float64()
		}
	}
	// In some seasons fewer campaigns are canceled; later campaigns are then canceled instead.
	for i := len(all) - 2; canceled < canceledCampaigns; i -= 5 {
		if m := w.campaigns[i]; m.reach == 1 {
			canceled++
			m.reach = 0.5
		}
	}
	return nil
}

// sendingOn returns the sending on the local day of at.
func (w *world) sendingOn(at time.Time, clock string) (sending, error) {
	instant, err := schedule.Instant(at.In(w.zone).Format(time.DateOnly), clock, w.zone)
	return sending{at: instant, theme: digest, clock: clock}, err
}

// madeBeforeSending returns the creation time of the i-th sent campaign: a few days before the
// sending. Creation times have even intervals, while the days of sending follow the calendar.
func (w *world) madeBeforeSending(i int) time.Time {
	const count = sentCampaigns + canceledCampaigns
	return w.ago(w.now.Add(-past+time.Duration(i)*(past/count)), 8*day, 10*day)
}

func (w *world) addSent(s sending, i int) *mailing {
	m := w.add(s.theme, s.at, w.madeBeforeSending(i))
	m.started = &s.at
	surface := pick(w, []kind.Surface{kind.SurfaceGraphQL, kind.SurfaceCommand})
	readyAt := s.at.Add(-w.between(time.Hour, 20*time.Hour)).Truncate(time.Second)
	if s.theme != digest && i%3 == 0 {
		m.plan.Type = kind.ScheduleImmediate
		readyAt = s.at.Add(-2 * time.Second)
	} else {
		m.plan = schedule.Schedule{
			Type: kind.ScheduleFuture, Date: s.at.In(w.zone).Format(time.DateOnly), Time: s.clock, Zone: zoneName,
		}
	}
	if i%14 == 6 {
		m.approval = "Prices and dates checked."
	}
	m.draft(readyAt.Add(-30*time.Minute), surface)
	m.ready(readyAt, surface)
	m.begin()
	return m
}

// planDrafts leaves some drafts without email or audience, to demonstrate the readiness check.
func (w *world) planDrafts() error {
	for i := range draftCampaigns {
		created := w.ago(w.now, time.Duration(i*3+1)*day, time.Duration(i*3+1)*day+20*time.Hour)
		m := w.add(w.seasonal(w.now), w.now, created)
		if i%4 == 1 {
			m.email = nil
		}
		if i%5 == 2 {
			m.target = noTarget
		}
		m.draft(m.created.Add(w.between(time.Hour, 20*time.Hour)).Truncate(time.Second), kind.SurfaceGraphQL)
	}
	return nil
}

func (w *world) planPending() error {
	for i := range pendingCampaigns {
		m := w.add(w.seasonal(w.now), w.now, w.now.Add(-time.Duration(i+2)*day))
		m.plan = w.future(3+i, "10:00:00", zoneName)
		asked := m.created.Add(w.between(2*time.Hour, 30*time.Hour)).Truncate(time.Second)
		m.draft(asked.Add(-time.Hour), kind.SurfaceCommand)
		m.record(asked, campaignchange.ActionUpdate, kind.SurfaceCommand, kind.StatusPendingApproval, "status", "")
	}
	return nil
}

// future returns a schedule some days ahead.
func (w *world) future(days int, clock, zone string) schedule.Schedule {
	return schedule.Schedule{
		Type: kind.ScheduleFuture, Date: w.now.In(w.zone).AddDate(0, 0, days).Format(time.DateOnly), Time: clock,
		Zone: zone,
	}
}

// planReady schedules campaigns in every possible way but at once: those would go out before anybody
// looks. The newest of all is left as a draft that is complete, for a newcomer to send.
func (w *world) planReady() error {
	plans := []schedule.Schedule{{Type: kind.ScheduleImmediate}}
	for i := range soonCampaigns {
		plans = append(plans, w.future(1+i, "11:00:00", zoneName))
	}
	plans = append(plans,
		w.future(2, "09:00:00", zoneName), w.future(4, "17:30:00", zoneName), w.future(9, "08:15:00", "Asia/Tokyo"),
		w.future(16, "12:00:00", "America/New_York"), w.future(31, "10:00:00", "+03:00"),
		recurring(schedule.Recurrence{DaysOfWeek: "1", Months: "0", Hours: "9", Minutes: "0"}, 0),
		recurring(schedule.Recurrence{DaysOfMonth: "1,15", Months: "0", Hours: "11", Minutes: "30"}, 12),
		recurring(schedule.Recurrence{DaysOfWeek: "1,2,3,4,5", Months: "11,12", Hours: "7,17", Minutes: "45"}, 20),
		recurring(schedule.Recurrence{DaysOfMonth: "31", Months: "0", Hours: "18", Minutes: "0"}, 0),
	)
	for i, plan := range plans {
		themeIndex := w.seasonal(w.now)
		if plan.Type == kind.ScheduleRecurring {
			themeIndex = digest
		}
		m := w.add(themeIndex, w.now, w.now.Add(-time.Duration(i+1)*day))
		if plan.Type == kind.ScheduleRecurring {
			m.name = fmt.Sprintf("Automatic digest, plan %c", 'A'+i-8)
		}
		m.plan = plan
		readyAt := w.now.Add(-w.between(time.Hour, 20*time.Hour)).Truncate(time.Second)
		if i == 0 {
			m.name, m.email, m.target = "Your first campaign", w.emails[0], newsletterAndCustomers
			m.draft(readyAt.Add(-time.Hour), kind.SurfaceGraphQL)
			continue
		}
		m.draft(readyAt.Add(-time.Hour), kind.SurfaceGraphQL)
		m.ready(readyAt, kind.SurfaceGraphQL)
		next, ok, err := plan.Next(w.now, 0)
		if err != nil {
			return err
		}
		if ok {
			m.next = &next
		}
	}
	return nil
}

func recurring(r schedule.Recurrence, limit int) schedule.Schedule {
	r.MaxInstances = &limit
	return schedule.Schedule{Type: kind.ScheduleRecurring, Zone: zoneName, Recurrence: r}
}

// begun adds a campaign whose sending began automatically at the given time.
func (w *world) begun(at time.Time) *mailing {
	m := w.add(w.seasonal(at), at, w.ago(at, day, 4*day))
	m.plan.Type = kind.ScheduleImmediate
	m.started = &at
	m.draft(at.Add(-time.Hour), kind.SurfaceGraphQL)
	m.ready(at.Add(-2*time.Second), kind.SurfaceGraphQL)
	m.begin()
	return m
}

// planRunning adds the campaigns that are being sent, and those that are paused.
func (w *world) planRunning() error {
	for i := range sendingCampaigns {
		m := w.begun(w.now.Add(-time.Duration(i*2+3) * time.Minute))
		m.reach = 0.35 + 0.13*float64(i)
	}
	for i := range pausedCampaigns {
		m := w.begun(w.now.Add(-time.Duration(i*7+3) * time.Hour))
		// Slow enough to be paused, fast enough to have come this far in ten minutes.
		m.reach, m.gap = 0.3+0.15*float64(i), 500*time.Millisecond
		reason := []string{"The voucher code does not work yet", "Waiting for the new price list", "Link to the lookbook is broken", "Too many complaints: look at the audience first"}[i]
		m.record(
			m.started.Add(10*time.Minute), campaignchange.ActionPause, kind.SurfaceGraphQL, kind.StatusPaused, "status",
			reason,
		)
	}
	return nil
}

// planFailed adds the failed campaigns: some were incomplete, and the relay rejected the mails of
// others.
func (w *world) planFailed() error {
	for i := range failedCampaigns {
		at := w.now.Add(-time.Duration(i*23+5) * day)
		m := w.add(w.seasonal(at), at, w.ago(at, day, 4*day))
		m.plan.Type = kind.ScheduleImmediate
		m.started = &at
		reason := "the mail system refused: " + relayReason
		switch i {
		case 0, 3:
			m.email, m.reach, reason = nil, 0, "it has no email"
		case 1:
			m.target, m.reach, reason = noTarget, 0, "nobody was chosen to send it to"
		default:
			m.reach, m.refused, m.gap = 0.1+0.1*float64(i), 10, 300*time.Millisecond
		}
		m.draft(at.Add(-time.Hour), kind.SurfaceCommand)
		m.ready(at.Add(-2*time.Second), kind.SurfaceCommand)
		m.begin()
		// The sender retries the rejected mails for five minutes and then gives up.
		finished := at.Add(5 * time.Minute)
		if m.reach == 0 {
			finished = at.Add(time.Second)
		}
		m.finished = &finished
		m.record(finished, campaignchange.ActionFail, kind.SurfaceSender, kind.StatusFailed, "status", reason)
	}
	return nil
}
