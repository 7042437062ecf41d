package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/apperr"
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

// killsVariable is how often TestSendingIsWhatAReferee says kills a server, on each engine.
const killsVariable = "CAMPAIGNQL_TEST_KILLS"

// The settings of the servers of the referee. Who is deferred fails at once and is tried again by
// the owner: no test waits for the minute until the next attempt.
const (
	refereeBurst = 16
	refereeLease = 2 * time.Second
)

// addressee is somebody on a list of an account.
type addressee struct {
	subscriber, contact, list int64
	email                     string
}

// mailingAccount is an account that sends.
type mailingAccount struct {
	ctx    context.Context
	lists  []int64
	people []addressee
}

// attempt is a recipient of a run with the token of its last attempt.
type attempt struct {
	run, contact int64
}

// mailing is a campaign as the referee knows it.
type mailing struct {
	id, email, list int64
	owner           *mailingAccount
	// pausedAt are the tokens of all recipients at the answer to a pause, while it lasts.
	pausedAt map[attempt]int64
	// canceled and deleted say what the owner has done.
	canceled, deleted bool
}

// mailings is the world of the referee: accounts, servers and a mail server, of which some fail.
type mailings struct {
	*testing.T
	*rand.Rand
	db       *store.Store
	services *app.Services
	sink     *smtpsink.Sink
	address  string
	flags    []string
	servers  []*server
	accounts []*mailingAccount
	all      []*mailing

	// emails are the addresses of contacts, also of those that are deleted meanwhile.
	emails       map[int64]string
	kills, stops int
	// again counts how often the owner had recipients tried again whose message may have been taken,
	// and assumed are those whom the owner took for sent.
	again   map[attempt]int
	assumed map[attempt]bool
	// gone are recipients who left before they were begun, with the tokens that they had.
	gone map[attempt]int64
}

// TestSendingIsWhatARefereeSays sends random campaigns of several accounts by servers that are killed
// and stopped, to a mail server that refuses, defers and breaks, while their owners pause, edit,
// resume, cancel and delete them, and people leave. At the end it compares, person by person, the
// recipients of each run with the log of the mail server, the events and the counters.
func TestSendingIsWhatARefereeSays(t *testing.T) {
	kills := 10
	if testkit.Long() {
		kills = 200
	}
	if given := os.Getenv(killsVariable); given != "" {
		var err error
		if kills, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		m := newMailings(t, address, seed)
		watching := m.watch()
		for m.kills+m.stops < kills {
			for range 4 + m.IntN(8) {
				m.act()
				time.Sleep(time.Duration(m.IntN(60)) * time.Millisecond)
			}
			m.strike()
		}
		m.finish()
		for range 2 {
			m.decide()
			m.strike()
			m.finish()
		}
		watching()
		m.compare()
	})
}

// newMailings starts servers and makes accounts with people on lists.
func newMailings(t *testing.T, address string, seed uint64) *mailings {
	t.Helper()
	m := &mailings{
		T: t, Rand: rand.New(rand.NewPCG(seed, 0)), address: address,
		sink:  smtpsink.Start(t, smtpsink.Options{RoundTrip: 3 * time.Millisecond, Script: smtpsink.ByLocalPart}),
		again: map[attempt]int{}, assumed: map[attempt]bool{}, gone: map[attempt]int64{},
		emails: map[int64]string{},
	}
	m.flags = []string{
		"--smtp", fmt.Sprintf("smtp://127.0.0.1:%d?tls=off", m.sink.Port), "--public-url", "https://news.example.com",
		"--secret-file", secretFile(t), "--sending-lease", refereeLease.String(),
		"--sending-burst", strconv.Itoa(refereeBurst), "--sending-connections", "4", "--give-up", "1s",
	}
	servers := 1
	if !m.onSQLite() {
		servers = 2 + m.IntN(2)
	}
	for range servers {
		m.servers = append(m.servers, start(t, address, m.flags...))
	}
	var err error
	if m.db, err = store.Open(t.Context(), address, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.db.Close() })
	m.services = app.NewServices(m.db, app.ServiceOptions{Sending: sending.Options{ // says what it can send by
		Route:          &mailer.Route{Host: "127.0.0.1", Port: m.sink.Port},
		UnsubscribeURL: func(_, _ int64) string { return "https://news.example.com/u" },
	}})
	t.Cleanup(m.services.Close)
	largest := 1500
	if testkit.Long() {
		largest = 20_000
	}
	for i := range 2 {
		m.accounts = append(m.accounts, m.newAccount(fmt.Sprintf("sender%d", i), []int{1, 30, 300, largest}))
	}
	return m
}

func (m *mailings) onSQLite() bool { return strings.HasPrefix(m.address, "sqlite:") }

// must ends the test if err is an error.
func (m *mailings) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// newAccount makes an account with lists of these sizes. A third of the people of each list are on the
// list before too.
func (m *mailings) newAccount(name string, sizes []int) *mailingAccount {
	m.Helper()
	_, key, err := m.services.Accounts.CreateUser(caller.System(m.Context()), account.NewUser{
		Username: name, Email: name + "@example.com", Password: "correct horse",
	})
	m.must(err)
	who, err := m.services.Accounts.Authenticate(m.Context(), account.Credentials{Key: key}, kind.SurfaceGraphQL)
	m.must(err)
	s := &mailingAccount{ctx: caller.With(context.Background(), who)}
	var before []string
	for _, size := range sizes {
		l, err := m.services.Lists.Create(s.ctx, list.Input{Name: fmt.Sprintf("%d people", size)}, nil)
		m.must(err)
		s.lists = append(s.lists, l.ID)
		rows := make([]subscriber.Row, size)
		emails := make([]string, size)
		for i := range rows {
			emails[i] = fmt.Sprintf("p%d-%d%s@example.com", l.ID, i, m.order())
			if i < len(before) && i%3 == 0 {
				emails[i] = before[i]
			}
			rows[i].Email = emails[i]
		}
		for len(rows) > 0 {
			some := rows[:min(len(rows), subscriber.MaxRows)]
			_, err = m.services.Subscribers.Add(s.ctx, subscriber.Addition{ListID: l.ID, Rows: some}, nil)
			m.must(err)
			rows = rows[len(some):]
		}
		before = emails
	}
	ctx := caller.System(m.Context())
	people, err := m.db.Client(ctx).Subscriber.Query().Where(entsubscriber.UserID(who.UserID)).All(ctx)
	m.must(err)
	for _, p := range people {
		s.people = append(s.people, addressee{p.ID, p.ContactID, p.ListID, p.Email})
		m.emails[p.ContactID] = p.Email
	}
	return s
}

// orders are what happens to the messages of some of the people.
var orders = []string{
	"+rcpt-550-5.1.1", "+rcpt-552-5.2.2", "+dot-554-5.6.0", "+rcpt-451-4.3.0-x1", "+dot-452-4.2.2-x2", "+data-421-x1",
	"+body-drop-x1", "+dot-drop-x1", "+dot-takedrop-x1", "+rcpt-slow",
}

// order returns what happens to the messages of a person, of six in a hundred something else than
// that they are taken.
func (m *mailings) order() string {
	if m.IntN(100) < 6 {
		return orders[m.IntN(len(orders))]
	}
	return ""
}

// act does something that owners or people do.
func (m *mailings) act() {
	m.Helper()
	if open := m.in(kind.StatusReady, kind.StatusSending); len(open) < 3 {
		m.send()
		return
	}
	switch n := m.IntN(100); {
	case n < 25:
		m.pause()
	case n < 50:
		m.resume()
	case n < 75:
		m.leave()
	case n < 80:
		m.cancel()
	case n < 82:
		m.delete()
	case n < 90:
		m.decide()
	default:
		m.send()
	}
}

// in returns the campaigns that have one of these statuses now.
func (m *mailings) in(statuses ...kind.CampaignStatus) []*mailing {
	m.Helper()
	ctx := caller.System(m.Context())
	ids, err := m.db.Client(ctx).Campaign.Query().Where(entcampaign.StatusIn(statuses...)).IDs(ctx)
	m.must(err)
	is := map[int64]bool{}
	for _, id := range ids {
		is[id] = true
	}
	var out []*mailing
	for _, c := range m.all {
		if is[c.id] && !c.deleted {
			out = append(out, c)
		}
	}
	return out
}

// one returns one of the campaigns that have one of these statuses now, or nil.
func (m *mailings) one(statuses ...kind.CampaignStatus) *mailing {
	m.Helper()
	if found := m.in(statuses...); len(found) > 0 {
		return found[m.IntN(len(found))]
	}
	return nil
}

// done reports whether an owner's action was done. That the campaign has got another status meanwhile
// is no fault.
func (m *mailings) done(err error) bool {
	m.Helper()
	if err != nil && apperr.CodeOf(err) != apperr.Conflict {
		m.Fatal(err)
	}
	return err == nil
}

// send makes a campaign that is due at once.
func (m *mailings) send() {
	m.Helper()
	s := m.accounts[m.IntN(len(m.accounts))]
	at := m.IntN(len(s.lists))
	e, err := m.services.Emails.Create(s.ctx, content.Patch{
		Subject: new("News"), FromEmail: new("news@shop.example.com"),
		Plain: new("Hello %Subscriber:EmailAddress%\n\n%Link:Unsubscribe%\n"),
	}, nil)
	m.must(err)
	c, err := m.services.Campaigns.Create(s.ctx, fmt.Sprintf("News %d", len(m.all)), nil)
	m.must(err)
	include := fmt.Sprintf("%d:0", s.lists[at])
	_, err = m.services.Campaigns.Update(s.ctx, campaign.Call{ID: c.ID}, campaign.Patch{
		EmailID: &e.ID, Audience: &campaign.AudiencePatch{Include: &include},
		Schedule: &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleImmediate)},
		Status:   new(kind.StatusReady),
	})
	m.must(err)
	m.all = append(m.all, &mailing{id: c.ID, email: e.ID, list: s.lists[at], owner: s})
}

// pause pauses a campaign and notes who has been begun by then.
func (m *mailings) pause() {
	m.Helper()
	c := m.one(kind.StatusSending)
	if c == nil {
		return
	}
	_, err := m.services.Campaigns.Pause(c.owner.ctx, campaign.Call{ID: c.id}, "")
	if m.done(err) {
		c.pausedAt = m.tokens(c)
	}
}

// tokens returns the tokens of the recipients of the runs of a campaign.
func (m *mailings) tokens(c *mailing) map[attempt]int64 {
	m.Helper()
	ctx := caller.System(m.Context())
	runs, err := m.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(c.id)).IDs(ctx)
	m.must(err)
	rows, err := m.db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunIDIn(runs...)).
		Select(runrecipient.FieldRunID, runrecipient.FieldContactID, runrecipient.FieldToken).All(ctx)
	m.must(err)
	tokens := make(map[attempt]int64, len(rows))
	for _, row := range rows {
		tokens[attempt{row.RunID, row.ContactID}] = row.Token
	}
	return tokens
}

// resume resumes a campaign, after a look whether anybody was begun during the pause, and sometimes
// with another text.
func (m *mailings) resume() {
	m.Helper()
	if c := m.one(kind.StatusPaused); c != nil {
		m.resumeIt(c)
	}
}

func (m *mailings) resumeIt(c *mailing) {
	m.Helper()
	if m.IntN(2) == 0 {
		_, err := m.services.Emails.Update(c.owner.ctx, c.email, content.Patch{Subject: new(fmt.Sprint("News ", m.Uint32()))})
		m.must(err)
	}
	m.stillPaused(c)
	_, err := m.services.Campaigns.Resume(c.owner.ctx, campaign.Call{ID: c.id})
	m.done(err)
}

// stillPaused fails the test if anybody was begun since the campaign was paused.
func (m *mailings) stillPaused(c *mailing) {
	m.Helper()
	if c.pausedAt == nil {
		return
	}
	for of, token := range m.tokens(c) {
		if before, known := c.pausedAt[of]; known && before != token {
			m.Errorf("campaign %d: contact %d was begun during a pause", c.id, of.contact)
		}
	}
	c.pausedAt = nil
}

// leave lets somebody leave: by unsubscription, suppression or deletion.
func (m *mailings) leave() {
	m.Helper()
	s := m.accounts[m.IntN(len(m.accounts))]
	who := s.people[m.IntN(len(s.people))]
	ctx := caller.System(m.Context())
	open := runrecipient.StateIn(kind.RecipientPending, kind.RecipientDeferred)
	query := m.db.Client(ctx).RunRecipient.Query().Where(open, runrecipient.ContactID(who.contact))
	var err error
	switch m.IntN(3) {
	case 0:
		_, err = m.services.Subscribers.Unsubscribe(s.ctx, subscriber.Unsubscription{ListID: who.list, Email: who.email})
		query.Where(runrecipient.SubscriberID(who.subscriber))
	case 1:
		_, err = m.services.Suppressions.Suppress(s.ctx, []string{who.email}, kind.SuppressedManually)
	default:
		_, err = m.services.Subscribers.Delete(s.ctx, []int64{who.subscriber})
		query.Where(runrecipient.SubscriberID(who.subscriber))
	}
	if apperr.CodeOf(err) == apperr.NotFound || !m.done(err) {
		return // gone before
	}
	rows, err := query.All(ctx)
	m.must(err)
	for _, row := range rows {
		m.gone[attempt{row.RunID, row.ContactID}] = row.Token
	}
}

func (m *mailings) cancel() {
	m.Helper()
	if c := m.one(kind.StatusSending, kind.StatusPaused, kind.StatusReady); c != nil {
		m.stillPaused(c)
		_, err := m.services.Campaigns.Cancel(c.owner.ctx, campaign.Call{ID: c.id}, "")
		c.canceled = m.done(err) || c.canceled
	}
}

func (m *mailings) delete() {
	m.Helper()
	if c := m.one(kind.StatusSending, kind.StatusPaused, kind.StatusReady, kind.StatusSent, kind.StatusFailed); c != nil {
		_, err := m.services.Campaigns.Delete(c.owner.ctx, []int64{c.id})
		c.deleted = m.done(err) || c.deleted
	}
}

// decide lets an owner decide about those of a campaign who did not get it: try them again, or take
// those in doubt for sent.
func (m *mailings) decide() {
	m.Helper()
	c := m.one(kind.StatusSent, kind.StatusFailed, kind.StatusPaused)
	if c == nil {
		return
	}
	m.stillPaused(c)
	unknown := m.unknown(c)
	call := campaign.Call{ID: c.id}
	var err error
	switch m.IntN(3) {
	case 0:
		_, _, err = m.services.Sending.Retry(c.owner.ctx, call, sending.Selection{
			States: []kind.RecipientState{kind.RecipientFailed},
		})
		unknown = nil
	case 1:
		_, _, err = m.services.Sending.Resolve(c.owner.ctx, call, kind.RecipientSent)
		for _, of := range unknown {
			m.assumed[of] = true
		}
		unknown = nil
	default:
		_, _, err = m.services.Sending.Resolve(c.owner.ctx, call, kind.RecipientPending)
	}
	m.done(err)
	for _, of := range unknown { // also if the call failed: it may have reached some
		m.again[of]++
	}
}

// unknown returns the recipients of a campaign who are in doubt.
func (m *mailings) unknown(c *mailing) []attempt {
	m.Helper()
	ctx := caller.System(m.Context())
	runs, err := m.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(c.id)).IDs(ctx)
	m.must(err)
	rows, err := m.db.Client(ctx).RunRecipient.Query().
		Where(
			runrecipient.RunIDIn(runs...), runrecipient.StateIn(kind.RecipientUnknown, kind.RecipientBegun),
		).All(ctx)
	m.must(err)
	var out []attempt
	for _, row := range rows {
		out = append(out, attempt{row.RunID, row.ContactID})
	}
	return out
}

// strike kills a server and starts another one, or stops one for longer than its lease.
func (m *mailings) strike() {
	m.Helper()
	victim := m.IntN(len(m.servers))
	if !m.onSQLite() && m.IntN(4) == 0 { // there a stopped process may hold the lock of the whole database
		m.stops++
		m.must(m.servers[victim].process.Signal(syscall.SIGSTOP))
		time.Sleep(refereeLease + time.Second)
		m.must(m.servers[victim].process.Signal(syscall.SIGCONT))
		return
	}
	m.kills++
	m.servers[victim].kill(m.T)
	m.servers[victim] = start(m.T, m.address, m.flags...)
}

// finish resumes what is paused and waits until every campaign is at its end.
func (m *mailings) finish() {
	m.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		for _, c := range m.in(kind.StatusPaused) {
			m.resumeIt(c)
		}
		if len(m.in(kind.StatusReady, kind.StatusSending, kind.StatusPaused)) == 0 && !m.unfinished() {
			return
		}
		if time.Now().After(deadline) {
			for _, c := range m.in(kind.StatusReady, kind.StatusSending, kind.StatusPaused) {
				m.Errorf("campaign %d does not end", c.id)
			}
			m.FailNow()
		}
	}
}

// unfinished reports whether a run is not done: that of a canceled campaign ends a little later.
func (m *mailings) unfinished() bool {
	m.Helper()
	ctx := caller.System(m.Context())
	runs, err := m.db.Client(ctx).CampaignRun.Query().Where(campaignrun.PhaseNEQ(kind.RunDone)).
		Select(campaignrun.FieldCampaignID).All(ctx)
	m.must(err)
	deleted := map[int64]bool{}
	for _, c := range m.all {
		deleted[c.id] = c.deleted
	}
	for _, r := range runs {
		if !deleted[r.CampaignID] {
			return true
		}
	}
	return false
}

// secretFile writes a secret of the installation for several servers.
func secretFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("the-secret-of-the-installation-of-this-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// recipientStates returns how many recipients of a run have each state by its rows.
func recipientStates(rows []*ent.RunRecipient) map[kind.RecipientState]int64 {
	states := map[kind.RecipientState]int64{}
	for _, row := range rows {
		states[row.State]++
	}
	return states
}
