package demo

import (
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
)

// sum counts the events of a campaign as if they had been recorded one by one: in total, by hour,
// by link and by mail domain.
func (m *mailing) sum() {
	slices.SortStableFunc(m.events, byTime)
	seen := map[kind.EventKind]map[*person]bool{
		kind.EventOpened: {}, kind.EventClicked: {}, kind.EventForwarded: {}, kind.EventViewedInBrowser: {},
	}
	for _, e := range m.events {
		first := false
		if people := seen[e.kind]; people != nil && !e.automated && !people[e.to] {
			people[e.to], first = true, true
		}
		count(&m.total, e, first)
		count(m.hour(e.at), e, first)
		m.worth(e)
		count(m.domain(e.to.domain()), e, first)
		if e.link != nil && !e.automated {
			e.link.clicks++
			if !e.link.clickers[e.to] {
				e.link.clickers[e.to] = true
				e.link.unique++
			}
		}
	}
}

// hour returns the counter of the hour of at. Events must come in order.
func (m *mailing) hour(at time.Time) *ent.HourlyCounter {
	hour := at.Truncate(time.Hour)
	if n := len(m.hours); n > 0 && m.hours[n-1].Hour.Equal(hour) {
		return m.hours[n-1]
	}
	counter := &ent.HourlyCounter{Hour: hour}
	m.hours = append(m.hours, counter)
	return counter
}

// amountKey is what amounts are summed by.
type amountKey struct {
	hour     time.Time
	currency string
}

// worth adds the amount of one event.
func (m *mailing) worth(e event) {
	if e.amount == 0 {
		return
	}
	if m.amounts == nil {
		m.amounts = map[amountKey]int64{}
	}
	m.amounts[amountKey{e.at.Truncate(time.Hour), e.currency}] += e.amount
}

// domain returns the counter of a mail domain. It also sums numbers that are not stored by domain.
func (m *mailing) domain(name string) *ent.HourlyCounter {
	counter := m.domains[name]
	if counter == nil {
		if m.domains == nil {
			m.domains = map[string]*ent.HourlyCounter{}
		}
		counter = &ent.HourlyCounter{}
		m.domains[name] = counter
	}
	return counter
}

// count adds one event. first is true if it is the first event of its kind by this person.
func count(c *ent.HourlyCounter, e event, first bool) {
	if e.automated {
		if e.kind == kind.EventOpened {
			c.AutomatedOpens++
		} else {
			c.AutomatedClicks++
		}
		return
	}
	total, unique := counters(c, e.kind)
	*total++
	if first {
		*unique++
	}
	c.ConversionAmount += e.amount
}

// counters returns the total of a kind and, if a person can do it more than once, the unique count;
// otherwise unique is nil.
func counters(c *ent.HourlyCounter, what kind.EventKind) (total, unique *int64) {
	switch what {
	case kind.EventSent:
		return &c.Sent, nil
	case kind.EventFailed:
		return &c.Failed, nil
	case kind.EventDelivered:
		return &c.Delivered, nil
	case kind.EventOpened:
		return &c.Opens, &c.UniqueOpens
	case kind.EventClicked:
		return &c.Clicks, &c.UniqueClicks
	case kind.EventForwarded:
		return &c.Forwards, &c.UniqueForwards
	case kind.EventViewedInBrowser:
		return &c.BrowserViews, &c.UniqueBrowserViews
	case kind.EventUnsubscribed:
		return &c.Unsubscriptions, nil
	case kind.EventHardBounced:
		return &c.HardBounces, nil
	case kind.EventSoftBounced:
		return &c.SoftBounces, nil
	case kind.EventComplained:
		return &c.Complaints, nil
	default:
		return &c.Conversions, nil
	}
}
