package event_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // kills connections
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// told is one event as the referee knows it. It shares no code with what is tested.
type told struct {
	event.Event
	// who is the contact, whatever the event names.
	who    int64
	at     time.Time
	domain string
	robot  bool
	// link is the number of the link that was clicked, in links.
	link int
}

// links are the spellings of each link, and of none.
var links = [][]string{
	{"", "/sale", "javascript:alert(1)", "data:text/html,x", "https://exa mple.org/", "%", " "},
	{"https://example.org/0"},
	{"https://example.org/1", " https://example.org/1\t", "HTTPS:\\\\Example.ORG:443\\1", "https://example.org/x/../1"},
	{"https://example.org/100%#50%", "\nhttps://example.org/100%#50% ", "https:/example.org/100%#50%"},
	{"https://example.org/%u00e4?q=%u00e4", "https://EXAMPLE.org/%u00e4?q=%u00e4"},
	{"https://b\u00fccher.example", "https://xn--bcher-kva.example/"},
	{"mailto:ann@example.org", "MAILTO:ann@example.org"},
	{"tel:+49123", " tel:+49123"},
	{"https://example.org/" + strings.Repeat("\u00e4", 1500), "https://example.org/" + strings.Repeat("%C3%A4", 1500)},
}

// numbers maps the name of a counter to its value. The name is "campaign", "hour 2026-…", "amount
// 2026-… EUR", "domain …" or "link …", then a dot and the column.
type numbers map[string]int64

// referee counts events in the simplest way: in the order of their times, each person once.
func referee(all []told) numbers {
	out := numbers{}
	sort.Slice(all, func(i, j int) bool {
		if !all[i].at.Equal(all[j].at) {
			return all[i].at.Before(all[j].at)
		}
		return all[i].domain < all[j].domain
	})
	add := func(e told, column, ofHour string, n int64, domains bool) {
		out["campaign."+column] += n
		out["hour "+e.at.UTC().Format("2006-01-02T15")+"."+ofHour] += n
		if domains && e.domain != "" {
			out["domain "+e.domain+"."+ofHour] += n
		}
	}
	opened, done, linked := map[int64]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range all {
		if e.Kind == kind.EventOpened && !e.robot {
			opened[e.who] = true
		}
	}
	for _, e := range all {
		who := fmt.Sprint(e.Kind, e.who)
		first := !done[who]
		if !e.robot {
			done[who] = true
		}
		once := func(total, unique, hourTotal, hourUnique string, domains bool) {
			add(e, total, hourTotal, 1, false)
			if first {
				add(e, unique, hourUnique, 1, domains)
			}
		}
		switch {
		case e.robot && e.Kind == kind.EventOpened:
			add(e, "automated_opens", "automated_opens", 1, false)
		case e.robot:
			add(e, "automated_clicks", "automated_clicks", 1, false)
		case e.Kind == kind.EventSent:
			add(e, "total_sent", "sent", 1, true)
		case e.Kind == kind.EventFailed:
			add(e, "total_failed", "failed", 1, true)
		case e.Kind == kind.EventDelivered:
			add(e, "total_delivered", "delivered", 1, true)
		case e.Kind == kind.EventHardBounced:
			add(e, "total_hard_bounces", "hard_bounces", 1, true)
		case e.Kind == kind.EventSoftBounced:
			add(e, "total_soft_bounces", "soft_bounces", 1, true)
		case e.Kind == kind.EventConverted:
			add(e, "total_conversions", "conversions", 1, false)
			add(e, "conversion_amount", "conversion_amount", int64(e.Amount*100+0.5), false)
			out["amount "+e.at.UTC().Format("2006-01-02T15")+" "+e.Currency+".amount"] += int64(e.Amount*100 + 0.5)
		case e.Kind == kind.EventUnsubscribed && first:
			add(e, "total_unsubscriptions", "unsubscriptions", 1, true)
		case e.Kind == kind.EventComplained && first:
			add(e, "total_complaints", "complaints", 1, true)
		case e.Kind == kind.EventForwarded:
			once("total_forwards", "unique_forwards", "forwards", "unique_forwards", false)
		case e.Kind == kind.EventViewedInBrowser:
			once("total_browser_views", "unique_browser_views", "browser_views", "unique_browser_views", false)
		case e.Kind == kind.EventOpened:
			once("total_opens", "unique_opens", "opens", "unique_opens", true)
		case e.Kind == kind.EventClicked:
			once("total_clicks", "unique_clicks", "clicks", "unique_clicks", true)
			if first && !opened[e.who] {
				add(e, "total_opens", "opens", 1, false)
				add(e, "unique_opens", "unique_opens", 1, true)
			}
			if e.link > 0 {
				out[fmt.Sprintf("link %d.clicks", e.link)]++
				if key := fmt.Sprint(e.link, " ", e.who); !linked[key] {
					linked[key] = true
					out[fmt.Sprintf("link %d.unique_clicks", e.link)]++
				}
			}
		}
	}
	return out
}

// numberOf returns the number of the link that is shown with this URL, or the URL if no click had it.
func numberOf(shown string) string {
	for i, spellings := range links {
		for _, sent := range spellings {
			if i > 0 && (shown == sent || len(sent) > 2000 && len(shown) > 1990 && strings.HasPrefix(sent, shown)) {
				return fmt.Sprint(i)
			}
		}
	}
	return shown
}

// counted reads all counters of a campaign.
func counted(t *testing.T, db *store.Store, campaign int64) numbers {
	t.Helper()
	ctx := caller.System(context.WithoutCancel(t.Context()))
	out, rowsOf := numbers{}, map[string]int{}
	read := func(prefix, statement string, suffix ...string) {
		rows, err := db.Client(ctx).QueryContext(ctx, statement, campaign)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var key any
			values := make([]int64, len(columns))
			into := []any{&key}
			for i := range columns[1:] {
				into = append(into, &values[i])
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, column := range columns[1:] {
				name := prefix
				switch key := key.(type) {
				case time.Time:
					name += " " + key.UTC().Format("2006-01-02T15")
				case []byte:
					name += " " + string(key)
				case string:
					name += " " + key
				}
				if sent, found := strings.CutPrefix(name, "link "); found {
					name = "link " + numberOf(sent)
				}
				name += strings.Join(suffix, "")
				if values[i] != 0 {
					out[name+"."+column] += values[i]
				}
				if column == "clicks" && prefix == "link" {
					rowsOf[name]++
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	const hourly = "sent,failed,delivered,opens,unique_opens,clicks,unique_clicks,forwards,unique_forwards,browser_views,unique_browser_views,unsubscriptions,hard_bounces,soft_bounces,complaints,conversions,conversion_amount,automated_opens,automated_clicks"
	read(
		"campaign",
		"SELECT id,total_sent,total_failed,total_delivered,total_opens,unique_opens,total_clicks,unique_clicks,total_forwards,unique_forwards,total_browser_views,unique_browser_views,total_unsubscriptions,total_hard_bounces,total_soft_bounces,total_complaints,total_conversions,conversion_amount,automated_opens,automated_clicks FROM campaigns WHERE id=?",
	)
	read("hour", "SELECT hour,"+hourly+" FROM hourly_counters WHERE campaign_id=?")
	read(
		"domain",
		"SELECT domain,sent,failed,delivered,unique_opens,unique_clicks,unsubscriptions,hard_bounces,soft_bounces,complaints FROM domain_counters WHERE campaign_id=?",
	)
	for _, currency := range []string{"", "EUR", "USD", "JPY"} {
		read(
			"amount",
			"SELECT hour,amount FROM conversion_amounts WHERE campaign_id=? AND currency='"+currency+"'", " "+currency,
		)
	}
	read("link", "SELECT url,clicks,unique_clicks FROM link_counters WHERE campaign_id=?")
	for name, n := range rowsOf {
		if n > 1 {
			t.Errorf("%s has %d rows", name, n)
		}
	}
	return out
}

// world is an account with campaigns and people at a few mail domains.
type world struct {
	ctx       context.Context
	campaigns []int64
	// people are subscriptions to the first list, each of another contact.
	people   []*ent.Subscriber
	contacts []*ent.Contact
	// subscriptions are all subscriptions of a contact, in the order of their ids.
	subscriptions map[int64][]*ent.Subscriber
	// lists are the lists of the audience of a campaign.
	lists map[int64][]int64
}

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func settle(t *testing.T, db *store.Store, campaigns, people int) *world {
	t.Helper()
	me := testkit.Account(t, db)
	w := &world{
		ctx:           caller.With(context.WithoutCancel(t.Context()), me),
		subscriptions: map[int64][]*ent.Subscriber{}, lists: map[int64][]int64{},
	}
	client := db.Client(w.ctx)
	for i := range campaigns {
		c, err := client.Campaign.Create().
			SetName(fmt.Sprint(i)).
			SetNameKey(fmt.Sprint(i)).
			SetCreatedAt(start).
			SetLastActivityAt(start).
			Save(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.campaigns = append(w.campaigns, c.ID)
	}
	list, err := client.SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).Save(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range people {
		domain := []string{"example.org", "example.net", "mail.example", ""}[i%4]
		address := fmt.Sprintf("p%d@%s", i, domain)
		c, err := client.Contact.Create().
			SetEmail(address).
			SetEmailKey(address).
			SetDomain(domain).
			SetCreatedAt(start).
			Save(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.Subscriber.Create().
			SetListID(list.ID).
			SetContactID(c.ID).
			SetEmail(address).
			SetEmailKey(address).
			SetSubscribedAt(start.Add(-time.Hour)).
			SetCreatedAt(start).
			Save(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.people, w.contacts = append(w.people, p), append(w.contacts, c)
		w.subscriptions[c.ID] = append(w.subscriptions[c.ID], p)
	}
	return w
}

const robot = "Mozilla/5.0"

// invent returns a random event. It uses few people and few times, so that many events coincide.
// Every fifth person gets no mail, or bounces, over many days, and rarely shows a sign of life.
func (w *world) invent(r *rand.Rand, n int) told {
	i := r.IntN(len(w.contacts))
	c := w.contacts[i]
	e := told{who: c.ID, domain: c.Domain, at: start.Add(time.Duration(r.IntN(40)) * 10 * time.Minute)}
	e.ID, e.CampaignID = fmt.Sprint("m-", n), w.campaigns[r.IntN(len(w.campaigns))]
	w.name(r, &e, c)
	if i%5 == 0 && len(w.campaigns) > 1 {
		e.at = start.AddDate(0, 0, r.IntN(20))
		e.Kind = []kind.EventKind{kind.EventSoftBounced, kind.EventSoftBounced, kind.EventSent}[r.IntN(3)]
		if r.IntN(40) == 0 {
			e.Kind = []kind.EventKind{kind.EventDelivered, kind.EventHardBounced}[r.IntN(2)]
		}
		e.At = e.at.Format(time.RFC3339Nano)
		return e
	}
	kinds := kind.EventKind("").Values()
	e.Kind = kind.EventKind(kinds[r.IntN(len(kinds))])
	if r.IntN(2) == 0 {
		e.Kind = []kind.EventKind{kind.EventOpened, kind.EventClicked}[r.IntN(2)]
	}
	if e.Kind == kind.EventClicked && r.IntN(4) > 0 {
		e.link = r.IntN(len(links))
		e.URL = links[e.link][r.IntN(len(links[e.link]))]
	}
	if e.robot = (e.Kind == kind.EventOpened || e.Kind == kind.EventClicked) && r.IntN(4) == 0; e.robot {
		e.UserAgent, e.URL, e.link = robot, "", 0
	}
	if e.Kind == kind.EventConverted {
		e.Amount = float64(r.IntN(1000)) / 4
		e.Currency = []string{"", "EUR", "USD", "JPY"}[r.IntN(4)]
	}
	// Few leave or bounce, so that what one event ends is not ended by others too.
	if e.Kind == kind.EventUnsubscribed && r.IntN(3) > 0 || e.Kind == kind.EventComplained && r.IntN(20) > 0 ||
		e.Kind == kind.EventHardBounced && r.IntN(8) > 0 {
		e.Kind = kind.EventForwarded
	}
	if e.Kind == kind.EventUnsubscribed && r.IntN(8) == 0 {
		e.Scope = kind.LeaveAccount
	}
	e.At = e.at.Format(time.RFC3339Nano)
	return e
}

// interrupt returns a context that is canceled after the given number of statements.
func interrupt(ctx context.Context, after int) (context.Context, context.CancelFunc) {
	recorder := new(store.Recorder)
	ctx, cancel := context.WithCancel(store.WithRecorder(ctx, recorder))
	go func() {
		for ctx.Err() == nil && len(recorder.Statements()) < after {
			runtime.Gosched()
		}
		cancel()
	}()
	return ctx, cancel
}

// killer kills random database connections until ctx ends: one for each value of turns, so that the
// writers come to an end on every machine.
func killer(ctx context.Context, t *testing.T, address string, turns <-chan struct{}) {
	u, err := url.Parse(address)
	if err != nil {
		t.Error(err)
		return
	}
	admin, err := stdsql.Open("mysql", fmt.Sprintf("%s@tcp(%s)/", u.User.Username(), u.Host))
	if err != nil {
		t.Error(err)
		return
	}
	defer admin.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turns:
		}
		var id int64
		row := admin.QueryRowContext(
			ctx, "SELECT id FROM information_schema.processlist WHERE db=? ORDER BY RAND() LIMIT 1",
			strings.TrimPrefix(u.Path, "/"),
		)
		if row.Scan(&id) == nil {
			_, _ = admin.ExecContext(ctx, fmt.Sprint("KILL ", id)) // the connection may have ended meanwhile
		}
	}
}

// TestCountersAreThoseOfARefereeWhateverHappens records random events in random order, many of them
// repeatedly, with sixteen writers. Their transactions are interrupted between statements, their
// connections are killed, and they send events again after an error.
func TestCountersAreThoseOfARefereeWhateverHappens(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		service := newService(db, event.Options{})
		seed := rand.Uint64()
		t.Log("seed", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		w := settle(t, db, 8, 40)
		w.spread(t, db, r)
		all := make([]told, 4000)
		for i := range all {
			all[i] = w.invent(r, i)
		}
		// Every recorded batch lets the killer kill two connections.
		turns := make(chan struct{}, 2*len(all))
		killing, stop := context.WithCancel(w.ctx)
		var killed sync.WaitGroup
		if strings.HasPrefix(address, "mysql:") {
			killed.Go(func() { killer(killing, t, address, turns) })
		}
		var writers sync.WaitGroup
		for n := range 16 {
			r := rand.New(rand.NewPCG(seed, uint64(n+2)))
			// Each writer has its share of the events and a few of the other writers' events.
			var mine []event.Event
			for i, e := range all {
				if i%16 == n || r.IntN(10) == 0 {
					mine = append(mine, e.Event)
				}
			}
			r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			writers.Go(func() {
				for len(mine) > 0 {
					batch := mine[:min(len(mine), 1+r.IntN(60))]
					for try := 0; ; try++ {
						ctx, cancel := context.WithCancel(w.ctx)
						if try == 0 && r.IntN(2) == 0 {
							ctx, cancel = interrupt(w.ctx, 1+r.IntN(22))
						}
						results, err := service.Record(ctx, batch)
						cancel()
						if err == nil {
							for _, result := range results {
								if result.Outcome == event.Rejected {
									t.Errorf("rejected: %v", result.Err)
								}
							}
							turns <- struct{}{}
							turns <- struct{}{}
							break
						}
						if try == 500 {
							t.Error("no progress:", err)
							return
						}
					}
					mine = mine[len(batch):]
				}
			})
		}
		writers.Wait()
		stop()
		killed.Wait()
		// The last kills may have hit idle connections, which a read does not try again.
		for _, pool := range db.Pools() {
			pool.SetMaxIdleConns(-1)
			pool.SetMaxIdleConns(4)
		}
		w.verify(t, db, service, all)
		w.verifyPeople(t, db, all)
		if found := recountContacts(t, service, w.ctx); len(found) > 0 {
			t.Errorf("a recount of contacts finds %v", found)
		}
		w.spoil(t, db, r)
		if found := recountContacts(t, service, w.ctx); len(found) == 0 {
			t.Error("a recount does not find contacts that were spoilt")
		}
		w.verifyPeople(t, db, all)
		if found := recountContacts(t, service, w.ctx); len(found) > 0 {
			t.Errorf("a second recount finds %v", found)
		}
	})
}

// verify compares the counters of each campaign with the referee's, and checks that a recount finds
// no difference.
func (w *world) verify(t *testing.T, db *store.Store, service *event.Service, all []told) {
	t.Helper()
	for _, id := range w.campaigns {
		var some []told
		for _, e := range all {
			if e.CampaignID == id {
				some = append(some, e)
			}
		}
		want := referee(some)
		maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
		if diff := cmp.Diff(want, counted(t, db, id)); diff != "" {
			t.Errorf("campaign %d (-referee +counters):\n%s", id, diff)
		}
		differences, err := service.Recount(caller.System(w.ctx), id)
		if err != nil || len(differences) > 0 {
			t.Errorf("recount of %d finds %v, %v", id, differences, err)
		}
	}
}
