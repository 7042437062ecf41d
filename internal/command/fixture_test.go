package command_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/command"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/field"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/sending"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/surface"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

var update = flag.Bool("update", false, "write the golden files")

const password = "correct horse"

// fixture is a bridge over a database, with a clock that advances only when a test moves it.
type fixture struct {
	bridge    *command.Bridge
	db        *store.Store
	accounts  *account.Service
	campaigns *campaign.Service
	emails    *content.Service
	events    *event.Service
	tags      *tag.Service
	clock     *atomic.Int64
	log       *bytes.Buffer
	// sink is the mail server.
	sink *smtpsink.Sink
	// client is the address from which requests come.
	client string
	// send builds a request from the fields of a form, in the format that this test uses.
	send func(form string) *http.Request
}

// start is the current time of every test: an hour before noon in Berlin.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// Unsubscribed implements [subscriber.Counter].
func (f *fixture) Unsubscribed(
	ctx context.Context, campaignID int64, of *ent.Subscriber, at time.Time,
) ([]int64, int64, error) {
	return f.events.Unsubscribed(ctx, campaignID, of, at)
}

func newFixture(t *testing.T, db *store.Store) *fixture {
	t.Helper()
	// Each test is a separate client for the counters of failed logins, because the tests share the
	// database and the clock.
	f := &fixture{client: rand.Text(), db: db, clock: new(atomic.Int64), log: new(bytes.Buffer), send: formRequest}
	f.clock.Store(start.UnixMicro())
	f.accounts = account.New(
		db, account.Options{Now: f.now, Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}},
	)
	f.emails = content.New(
		db,
		content.Options{Now: f.now, Deleting: func(ctx context.Context, owners, ids []int64) error {
			return f.campaigns.ReleaseEmails(ctx, owners, ids)
		}, Editing: func(ctx context.Context, owner, id int64) (func(context.Context) error, error) {
			return f.campaigns.EditEmail(ctx, owner, id)
		}},
	)
	audiences := query.New(db, query.Options{Now: f.now})
	f.campaigns = campaign.New(db, f.emails, campaign.Options{Now: f.now, CheckAudience: audiences.Check})
	f.tags = tag.New(db, tag.Options{Now: f.now})
	contacts := contact.New(db, contact.Options{Now: f.now})
	people := subscriber.New(db, contacts, f, audiences, subscriber.Options{Now: f.now})
	f.events = event.New(db, event.Services{
		People: contacts, Subscriptions: people, Suppressions: suppression.New(db, suppression.Options{Now: f.now}),
	}, event.Options{Now: f.now})
	f.sink = smtpsink.Start(t, smtpsink.Options{KeepBodies: true, Script: smtpsink.ByLocalPart})
	f.bridge = command.New(command.Services{
		Accounts:  f.accounts,
		Audiences: audiences,
		Campaigns: f.campaigns,
		Contacts:  contacts,
		Emails:    f.emails,
		Events:    f.events,
		Fields:    field.New(db, field.Options{Now: f.now}),
		Lists:     list.New(db, list.Options{Now: f.now}),
		Sending: sending.New(db, sending.Services{Campaigns: f.campaigns, Audiences: audiences, Events: f.events}, sending.Options{
			Now:            f.now,
			Route:          &mailer.Route{Host: "127.0.0.1", Port: f.sink.Port, Security: mailer.Off, HeloName: "sender.example.com"},
			UnsubscribeURL: func(int64, int64) string { return "https://mail.example.com/u/x" },
		}),
		Statistics:  statistics.New(db),
		Subscribers: people,
		Tags:        f.tags,
	}, command.Options{
		Logger:    slog.New(slog.NewTextHandler(f.log, nil)),
		RequestID: func(context.Context) string { return "r-1" },
	})
	return f
}

// serve answers a request as the server does, which first identifies the client.
func (f *fixture) serve(w http.ResponseWriter, r *http.Request) {
	r.RemoteAddr = f.client
	surface.Identify(surface.Identity{}, f.bridge).ServeHTTP(w, r)
}

func (f *fixture) now() time.Time { return time.UnixMicro(f.clock.Load()).UTC() }

func (f *fixture) advance(d time.Duration) { f.clock.Add(d.Microseconds()) }

// person is an account with a key of every scope.
type person struct {
	*ent.User
	key string
	ctx context.Context
}

func (f *fixture) person(t *testing.T, in account.NewUser) person {
	t.Helper()
	in.Username = "u" + strings.ToLower(rand.Text())
	in.Email, in.Password = in.Username+"@example.com", password
	if in.Sender == "" {
		in.Sender = kind.SenderExternal
	}
	u, key, err := f.accounts.CreateUser(caller.System(t.Context()), in)
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceCommand)
	if err != nil {
		t.Fatal(err)
	}
	return person{User: u, key: key, ctx: caller.With(t.Context(), id)}
}

func (f *fixture) owner(t *testing.T) person {
	t.Helper()
	return f.person(t, account.NewUser{TimeZone: "Europe/Berlin"})
}

// key creates another key of the person, with these scopes only.
func (f *fixture) key(t *testing.T, p person, scopes ...kind.Scope) string {
	t.Helper()
	_, key, err := f.accounts.CreateKey(p.ctx, account.NewKey{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *fixture) campaign(t *testing.T, p person, name string) int64 {
	t.Helper()
	c, err := f.campaigns.Create(p.ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// reach creates a campaign of the person and brings it to a status, through the domain.
func (f *fixture) reach(t *testing.T, p person, name string, status kind.CampaignStatus) int64 {
	t.Helper()
	id := f.campaign(t, p, name)
	path := map[kind.CampaignStatus][]kind.CampaignStatus{
		kind.StatusDraft:           {},
		kind.StatusPendingApproval: {kind.StatusPendingApproval},
		kind.StatusReady:           {kind.StatusReady},
		kind.StatusSending:         {kind.StatusReady, kind.StatusSending},
		kind.StatusPaused:          {kind.StatusReady, kind.StatusSending, kind.StatusPaused},
		kind.StatusSent:            {kind.StatusReady, kind.StatusSending, kind.StatusSent},
		kind.StatusFailed:          {kind.StatusReady, kind.StatusSending, kind.StatusFailed},
	}[status]
	for _, next := range path {
		f.patch(t, p, id, campaign.Patch{Status: &next})
	}
	return id
}

func (f *fixture) patch(t *testing.T, p person, id int64, patch campaign.Patch) {
	t.Helper()
	if _, err := f.campaigns.Update(p.ctx, campaign.Call{ID: id}, patch); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) email(t *testing.T, p person) int64 {
	t.Helper()
	e, err := f.emails.Create(p.ctx, content.Patch{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func (f *fixture) list(t *testing.T, p person, name string) int64 {
	t.Helper()
	l, err := f.db.Client(p.ctx).
		SubscriberList.Create().
		SetName(name).
		SetNameKey(name).
		SetCreatedAt(f.now()).
		Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return l.ID
}

// numberField creates a custom field of every list.
func (f *fixture) numberField(t *testing.T, p person) int64 {
	t.Helper()
	made, err := f.db.Client(p.ctx).
		CustomField.Create().
		SetName("n").
		SetNameKey("n").
		SetType(kind.FieldNumber).
		SetCreatedAt(f.now()).
		Save(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (f *fixture) tag(t *testing.T, p person, name string, campaigns ...int64) int64 {
	t.Helper()
	made, err := f.tags.Create(p.ctx, tag.Input{Name: name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.tags.Assign(p.ctx, made.ID, campaigns); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// each runs a test on every database, in parallel.
func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }
