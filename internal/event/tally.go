package event

import (
	"time"

	"campaignql/internal/kind"
)

// The indexes of the numbers that are counted.
const (
	sent = iota
	failed
	delivered
	opens
	uniqueOpens
	clicks
	uniqueClicks
	forwards
	uniqueForwards
	views
	uniqueViews
	unsubscriptions
	hardBounces
	softBounces
	complaints
	conversions
	conversionAmount
	automatedOpens
	automatedClicks
	numbers
)

type counts [numbers]int64

// The columns of the numbers. A column is empty if the table does not keep that number.
var (
	campaignColumns = [numbers]string{
		"total_sent",
		"total_failed",
		"total_delivered",
		"total_opens",
		"unique_opens",
		"total_clicks",
		"unique_clicks",
		"total_forwards",
		"unique_forwards",
		"total_browser_views",
		"unique_browser_views",
		"total_unsubscriptions",
		"total_hard_bounces",
		"total_soft_bounces",
		"total_complaints",
		"total_conversions",
		"conversion_amount",
		"automated_opens",
		"automated_clicks",
	}
	hourColumns = [numbers]string{
		"sent",
		"failed",
		"delivered",
		"opens",
		"unique_opens",
		"clicks",
		"unique_clicks",
		"forwards",
		"unique_forwards",
		"browser_views",
		"unique_browser_views",
		"unsubscriptions",
		"hard_bounces",
		"soft_bounces",
		"complaints",
		"conversions",
		"conversion_amount",
		"automated_opens",
		"automated_clicks",
	}
	domainColumns = [numbers]string{
		sent:            "sent",
		failed:          "failed",
		delivered:       "delivered",
		uniqueOpens:     "unique_opens",
		uniqueClicks:    "unique_clicks",
		unsubscriptions: "unsubscriptions",
		hardBounces:     "hard_bounces",
		softBounces:     "soft_bounces",
		complaints:      "complaints",
	}
	linkColumns   = [numbers]string{clicks: "clicks", uniqueClicks: "unique_clicks"}
	amountColumns = [numbers]string{conversionAmount: "amount"}
)

// each maps a kind to the number that every event of it increments. people maps a kind to the
// number that only the first event of a person increments. Unsubscriptions and complaints are only
// in people.
var (
	each = map[kind.EventKind]int{
		kind.EventSent:            sent,
		kind.EventFailed:          failed,
		kind.EventDelivered:       delivered,
		kind.EventOpened:          opens,
		kind.EventClicked:         clicks,
		kind.EventHardBounced:     hardBounces,
		kind.EventSoftBounced:     softBounces,
		kind.EventForwarded:       forwards,
		kind.EventViewedInBrowser: views,
		kind.EventConverted:       conversions,
	}
	people = map[kind.EventKind]int{
		kind.EventOpened:          uniqueOpens,
		kind.EventClicked:         uniqueClicks,
		kind.EventForwarded:       uniqueForwards,
		kind.EventViewedInBrowser: uniqueViews,
		kind.EventUnsubscribed:    unsubscriptions,
		kind.EventComplained:      complaints,
	}
)

// moment is when something first happened, and at which mail domain. Of two events at the same
// time, the one with the lower domain is first. The zero value means never.
type moment struct {
	at     time.Time
	domain string
}

func (m moment) before(n moment) bool {
	if c := m.at.Compare(n.at); c != 0 {
		return c < 0
	}
	return m.domain < n.domain
}

func (m *moment) earliest(n moment) {
	if m.at.IsZero() || n.before(*m) {
		*m = n
	}
}

// person holds the first events of one contact in one campaign. Automated events are not
// included.
type person struct {
	// firsts maps the number that counts the event to the first event.
	firsts map[int]moment
	links  map[int64]bool
}

func (p *person) merge(what kind.EventKind, m moment, link int64) {
	n, ok := people[what]
	if !ok {
		return
	}
	if p.firsts == nil {
		p.firsts = make(map[int]moment, 2)
	}
	first := p.firsts[n]
	first.earliest(m)
	p.firsts[n] = first
	if link != 0 {
		if p.links == nil {
			p.links = make(map[int64]bool, 1)
		}
		p.links[link] = true
	}
}

// whom is the key of a contact in a campaign.
type whom struct{ campaign, contact int64 }

type (
	hourKey struct {
		campaign int64
		hour     time.Time
	}
	domainKey struct {
		campaign int64
		domain   string
	}
	amountKey struct {
		hourKey
		currency string
	}
)

// worth is the value of a conversion, in hundredths; zero for every other event.
type worth struct {
	cents    int64
	currency string
}

// sums are counter values, or changes to counters.
type sums struct {
	campaigns map[int64]*counts
	hours     map[hourKey]*counts
	domains   map[domainKey]*counts
	links     map[int64]*counts
	amounts   map[amountKey]*counts
}

func newSums() *sums {
	return &sums{
		map[int64]*counts{}, map[hourKey]*counts{}, map[domainKey]*counts{}, map[int64]*counts{},
		map[amountKey]*counts{},
	}
}

func of[K comparable](all map[K]*counts, key K) *counts {
	c := all[key]
	if c == nil {
		c = new(counts)
		all[key] = c
	}
	return c
}

// add adds n to one number of the campaign, of the hour and of the mail domain.
func (s *sums) add(campaign int64, m moment, number int, n int64) {
	of(s.campaigns, campaign)[number] += n
	of(s.hours, hourKey{campaign, hourOf(m.at)})[number] += n
	if m.domain != "" && domainColumns[number] != "" {
		of(s.domains, domainKey{campaign, m.domain})[number] += n
	}
}

// event counts one event, except the numbers that depend on whether it is the first.
func (s *sums) event(campaign int64, what kind.EventKind, m moment, automated bool, link int64, value worth) {
	if automated {
		if what == kind.EventOpened {
			s.add(campaign, m, automatedOpens, 1)
		} else {
			s.add(campaign, m, automatedClicks, 1)
		}
		return
	}
	if number, ok := each[what]; ok {
		s.add(campaign, m, number, 1)
	}
	if link != 0 {
		of(s.links, link)[clicks]++
	}
	if value.cents != 0 {
		s.add(campaign, m, conversionAmount, value.cents)
		of(s.amounts, amountKey{hourKey{campaign, hourOf(m.at)}, value.currency})[conversionAmount] += value.cents
	}
}

// person adds the first events of a person n times; n is 1 or -1. A click without any open implies
// an open.
func (s *sums) person(campaign int64, p *person, n int64) {
	if p == nil {
		return
	}
	for number, m := range p.firsts {
		s.add(campaign, m, number, n)
	}
	if click, clicked := p.firsts[uniqueClicks]; clicked {
		if _, opened := p.firsts[uniqueOpens]; !opened {
			s.add(campaign, click, opens, n)
			s.add(campaign, click, uniqueOpens, n)
		}
	}
	for link := range p.links {
		of(s.links, link)[uniqueClicks] += n
	}
}
