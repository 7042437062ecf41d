package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// The lists, in the order of creation.
const (
	newsletter = iota
	customers
	japan
	listCount
)

var listNames = [listCount]string{"Newsletter", "Customers", "日本のお客様"}

// Subscriber tags, in the order of creation.
const (
	tagVIP = iota
	tagWorkshop
	tagPress
)

var subscriberTagNames = []string{"VIP", "Workshop", "Press"}

const (
	subscribersPerList = 300
	// sharedSubscribers is the number of people on both the newsletter and the customers' list.
	sharedSubscribers = 80
	// unconfirmed is the number of people who never confirmed the newsletter subscription.
	unconfirmed = 9
	suppressed  = 6
	// vipOrders is the minimum number of orders of a VIP.
	vipOrders = 10
)

// world is all demo data, in memory. Ids are set when the data is written.
type world struct {
	rand *rand.Rand
	// ages is the random source for the ages of campaigns. It is separate from rand, whose number
	// of draws depends on the calendar. The order of the campaigns is therefore the same on every
	// day, and so is the status of the campaign with a given id.
	ages *rand.Rand
	zone *time.Location
	// now is the current time; opened is the day on which the account was created.
	now, opened  time.Time
	people       []*person
	mailboxes    []*mailbox
	suppressions []suppression
	emails       []*email
	campaigns    []*mailing
	// titles counts how often a title was used; numbers has the running number of each.
	titles  map[int]int
	numbers map[string]int
}

// mailbox is one address, whatever lists it is on.
type mailbox struct {
	// contact is the id of the contact.
	contact int64
	email   string
	bounce  kind.BounceType
	// softBounces is the number of campaigns in a row that ended in a soft bounce.
	softBounces int64
	joined      time.Time
}

// person is one address on one list.
type person struct {
	*mailbox
	id     int64
	list   int
	status kind.SubscriberStatus
	city   string
	// orders is only known for customers.
	orders int
	tags   []int
	joined time.Time
	left   *time.Time
	ip     string
	// opens is the probability that the person opens a mail, clicks that they click in an opened
	// mail.
	opens, clicks float64
}

type suppression struct {
	email  string
	reason kind.SuppressionReason
	at     time.Time
}

// newWorld creates the data around now. It is the same each time, except for the dates and the
// seasonal content. The statuses and schedules of the campaigns have the same order for every now.
func newWorld(now time.Time) (*world, error) {
	zone, err := schedule.ParseZone(zoneName)
	if err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	w := &world{
		rand:    rand.New(rand.NewPCG(2026, 200)),
		ages:    rand.New(rand.NewPCG(2026, 201)),
		zone:    zone,
		now:     now,
		opened:  now.AddDate(-2, 0, 0),
		titles:  map[int]int{},
		numbers: map[string]int{},
	}
	w.populate()
	if err := w.compose(); err != nil {
		return nil, err
	}
	if err := w.plan(); err != nil {
		return nil, err
	}
	w.send()
	return w, nil
}

// chance returns true with the given probability.
func (w *world) chance(p float64) bool { return w.rand.Float64() < p }

// between returns a random duration from low to high.
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rand.Int64N(int64(high-low)))
}

// ago returns a random time between low and high before at. The distance of at from the current
// time must be the same on every day, so that the order of the results is, too.
func (w *world) ago(at time.Time, low, high time.Duration) time.Time {
	return at.Add(-low - time.Duration(w.ages.Int64N(int64(high-low))))
}

func pick[T any](w *world, from []T) T { return from[w.rand.IntN(len(from))] }

// populate fills the lists. Some people are on two lists; an audience must not reach them twice.
func (w *world) populate() {
	european := w.addresses(firstNames, lastNames)
	asian := w.addresses(japaneseFirstNames, japaneseLastNames)
	for i := range subscribersPerList {
		w.join(newsletter, european[i])
	}
	for i := range subscribersPerList {
		w.join(customers, european[subscribersPerList-sharedSubscribers+i])
	}
	for i := range subscribersPerList {
		w.join(japan, asian[i])
	}
	for i, p := range w.people[:unconfirmed] {
		p.status = kind.SubscriberPending
		p.joined = w.now.Add(-time.Duration(i+1) * 31 * time.Hour)
	}
	for i := range suppressed {
		p := w.people[unconfirmed+i*(len(w.people)-unconfirmed)/suppressed]
		w.suppressions = append(
			w.suppressions, suppression{p.email, kind.SuppressedManually, w.opened.AddDate(0, i, i)},
		)
	}
	// Ids grow with the subscription date, as in real data.
	slices.SortStableFunc(w.people, func(a, b *person) int { return a.joined.Compare(b.joined) })
	for _, p := range slices.Backward(w.people) {
		p.mailbox.joined = p.joined
	}
	slices.SortStableFunc(w.mailboxes, func(a, b *mailbox) int { return a.joined.Compare(b.joined) })
}

func (w *world) addresses(first, last []string) []string {
	var all []string
	for _, f := range first {
		for _, l := range last {
			all = append(all, f+"."+l+"@"+pick(w, domains))
		}
	}
	w.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (w *world) join(list int, address string) {
	p := &person{
		mailbox: w.mailbox(address), list: list, status: kind.SubscriberSubscribed,
		joined: w.opened.Add(w.between(0, w.now.Sub(w.opened)-48*time.Hour)).Truncate(time.Second),
		ip:     fmt.Sprintf("192.0.2.%d", 1+w.rand.IntN(254)),
		opens:  min(0.9, max(0.02, 0.31+0.2*w.rand.NormFloat64())),
		clicks: 0.04 + 0.2*w.rand.Float64(),
	}
	p.city = pick(w, cities)
	if list == japan {
		p.city = pick(w, japaneseCities)
	}
	if list == customers {
		p.orders = 1 + int(w.rand.ExpFloat64()*5)
		if p.orders >= vipOrders {
			p.tags = append(p.tags, tagVIP)
		}
	}
	if w.chance(0.12) {
		p.tags = append(p.tags, tagWorkshop)
	}
	if w.chance(0.03) {
		p.tags = append(p.tags, tagPress)
	}
	w.people = append(w.people, p)
}

// mailbox returns the mailbox with an address, and makes it if there is none.
func (w *world) mailbox(address string) *mailbox {
	for _, m := range w.mailboxes {
		if m.email == address {
			return m
		}
	}
	m := &mailbox{email: address, bounce: kind.BounceNone}
	w.mailboxes = append(w.mailboxes, m)
	return m
}

func (p *person) has(tag int) bool { return slices.Contains(p.tags, tag) }

func (m *mailbox) domain() string {
	_, domain, _ := strings.Cut(m.email, "@")
	return domain
}
