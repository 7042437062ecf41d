package sending_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/sending"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

// world is an account on a database, a mail server, and senders.
type world struct {
	*app.Services
	t    *testing.T
	db   *store.Store
	sink *smtpsink.Sink
	id   caller.Identity
	// ctx has the account as its caller.
	ctx  context.Context
	opts sending.Options
	// ahead is how far the clock of the senders is ahead, in nanoseconds.
	ahead atomic.Int64
}

// newWorld makes an account whose campaigns the server sends. The tests of this package do not run in
// parallel, because every sender sends the campaigns of all accounts of its database.
func newWorld(t *testing.T, db *store.Store, options smtpsink.Options, change ...func(*sending.Options)) *world {
	t.Helper()
	w := &world{t: t, db: db, sink: smtpsink.Start(t, options), id: testkit.Account(t, db)}
	w.ctx = testkit.As(t, w.id)
	system := caller.System(t.Context())
	if err := db.Client(system).User.UpdateOneID(w.id.UserID).SetSender(kind.SenderBuiltIn).Exec(system); err != nil {
		t.Fatal(err)
	}
	w.opts = sending.Options{
		Route: w.route(w.sink.Addr), Tick: 10 * time.Millisecond, Lease: 2 * time.Second,
		UnsubscribeURL: func(run, contact int64) string {
			return fmt.Sprintf("https://mail.example.com/u/%d-%d", run, contact)
		},
	}
	for _, f := range change {
		f(&w.opts)
	}
	w.Services = w.server()
	return w
}

// server returns the services of one more server on the database.
func (w *world) server() *app.Services {
	services := app.NewServices(w.db, app.ServiceOptions{
		Now:     func() time.Time { return store.Truncate(time.Now().Add(time.Duration(w.ahead.Load()))) },
		Sending: w.opts,
		Logger:  slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	})
	w.t.Cleanup(services.Close)
	return services
}

func (w *world) route(address string) *mailer.Route {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		w.t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		w.t.Fatal(err)
	}
	return &mailer.Route{Host: host, Port: number, Security: mailer.Off, HeloName: "sender.example.com"}
}

// run runs the sender of a server until stop is called, which waits for its end.
func (w *world) run(services *app.Services) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { services.Sending.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	w.t.Cleanup(stop)
	return stop
}

// people makes a list with subscribers of these addresses and returns its id.
func (w *world) people(addresses ...string) int64 {
	w.t.Helper()
	l, err := w.Lists.Create(w.ctx, list.Input{Name: "People"}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	rows := make([]subscriber.Row, len(addresses))
	for i, address := range addresses {
		rows[i] = subscriber.Row{Email: address}
	}
	for len(rows) > 0 {
		n := min(subscriber.MaxRows, len(rows))
		if _, err := w.Subscribers.Add(w.ctx, subscriber.Addition{ListID: l.ID, Rows: rows[:n]}, nil); err != nil {
			w.t.Fatal(err)
		}
		rows = rows[n:]
	}
	return l.ID
}

// numbered returns n addresses with a prefix.
func numbered(prefix string, n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("%s%d@example.com", prefix, i)
	}
	return addresses
}

// ready makes a campaign to lists that is Ready and due, and returns its id.
func (w *world) ready(lists ...int64) int64 {
	w.t.Helper()
	id := w.draft(lists...)
	w.update(id, campaign.Patch{Status: new(kind.StatusReady)})
	return id
}

func (w *world) draft(lists ...int64) int64 {
	w.t.Helper()
	e, err := w.Emails.Create(w.ctx, content.Patch{
		Subject: new("News for %Subscriber:EmailAddress%"), FromName: new("Ann"), FromEmail: new("ann@shop.example.com"),
		HTML:  new(`<p>Hello %Subscriber:EmailAddress%</p><p><a href="%Link:Unsubscribe%">Unsubscribe</a></p>`),
		Plain: new("Hello %Subscriber:EmailAddress%\n\n%Link:Unsubscribe%\n"),
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.Campaigns.Create(w.ctx, "News", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	include := ""
	for i, id := range lists {
		if i > 0 {
			include += ","
		}
		include += fmt.Sprintf("%d:0", id)
	}
	w.update(c.ID, campaign.Patch{
		EmailID: &e.ID, Audience: &campaign.AudiencePatch{Include: &include},
		Schedule: &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleImmediate)},
	})
	return c.ID
}

func (w *world) update(id int64, patch campaign.Patch) *ent.Campaign {
	w.t.Helper()
	updated, err := w.Campaigns.Update(w.ctx, campaign.Call{ID: id}, patch)
	if err != nil {
		w.t.Fatal(err)
	}
	return updated.Campaign
}

func (w *world) campaign(id int64) *ent.Campaign {
	w.t.Helper()
	c, err := w.db.Client(w.ctx).Campaign.Get(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// run returns the latest run of a campaign.
func (w *world) runOf(id int64) *ent.CampaignRun {
	w.t.Helper()
	r, err := w.db.Client(w.ctx).CampaignRun.Query().Where(campaignrun.CampaignID(id)).
		Order(ent.Desc(campaignrun.FieldInstance)).First(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// begunEver returns the number of recipients of the latest run who have ever been begun.
func (w *world) begunEver(id int64) int64 {
	w.t.Helper()
	n, err := w.db.Client(w.ctx).RunRecipient.Query().
		Where(runrecipient.RunID(w.runOf(id).ID), runrecipient.AttemptsGT(0)).Count(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return int64(n)
}

// recipients returns the recipients of a run by address.
func (w *world) recipients(runID int64) map[string]*ent.RunRecipient {
	w.t.Helper()
	rows, err := w.db.Client(w.ctx).RunRecipient.Query().Where(runrecipient.RunID(runID)).WithContact().All(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]*ent.RunRecipient{}
	for _, row := range rows {
		to := fmt.Sprint(row.ContactID) // of who was deleted
		if row.Edges.Contact != nil {
			to = row.Edges.Contact.Email
		}
		found[to] = row
	}
	return found
}

// wait waits until a condition holds.
func (w *world) wait(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s did not happen within a minute", what)
		}
	}
}

// waitFor waits until a campaign has a status.
func (w *world) waitFor(id int64, status kind.CampaignStatus) *ent.Campaign {
	w.t.Helper()
	var c *ent.Campaign
	w.wait(fmt.Sprintf("campaign %d becoming %s", id, status), func() bool {
		c = w.campaign(id)
		return c.Status == status
	})
	return c
}

// check compares the numbers of a run with its rows, and the people who are sent with the log of the
// mail server.
func (w *world) check(runID int64) {
	w.t.Helper()
	r, err := w.db.Client(w.ctx).CampaignRun.Get(w.ctx, runID)
	if err != nil {
		w.t.Fatal(err)
	}
	counted := map[kind.RecipientState]int64{}
	rows := w.recipients(runID)
	for _, row := range rows {
		counted[row.State]++
	}
	stored := map[kind.RecipientState]int64{
		kind.RecipientPending: r.Pending, kind.RecipientBegun: r.Begun, kind.RecipientDeferred: r.Deferred,
		kind.RecipientSent: r.Sent, kind.RecipientFailed: r.Failed, kind.RecipientUnknown: r.Unknown,
		kind.RecipientSkipped: r.Skipped,
	}
	for state, n := range stored {
		if counted[state] != n {
			w.t.Errorf("run %d says %d %s, its rows %d", runID, n, state, counted[state])
		}
	}
	if r.Total != int64(len(rows)) {
		w.t.Errorf("run %d says %d recipients, it has %d", runID, r.Total, len(rows))
	}
	taken := map[string]int{}
	for _, entry := range w.sink.Log() {
		if strings.HasPrefix(entry.MessageID, fmt.Sprintf("run%d.", runID)) { // a test before may have left another run
			taken[entry.Address]++
		}
	}
	for to, row := range rows {
		switch n := taken[to]; {
		case n > 1:
			w.t.Errorf("%s got %d messages", to, n)
		case row.State == kind.RecipientSent && n != 1:
			w.t.Errorf("%s is sent, and got nothing", to)
		case n == 1 && row.State != kind.RecipientSent && row.State != kind.RecipientUnknown:
			w.t.Errorf("%s got a message, and is %s", to, row.State)
		}
	}
}
