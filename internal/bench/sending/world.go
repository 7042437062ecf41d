package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	"campaignql/internal/app"
	"campaignql/internal/bench/bed"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/secret"
	"campaignql/internal/store"
)

// links is the number of links of the HTML.
const links = 40

// patience is how long a campaign may take.
const patience = 10 * time.Minute

// world is a database with an account, people and a campaign that is complete.
type world struct {
	binary, sink, address string
	db                    *store.Store
	services              *app.Services
	people                int
	campaign              int64
	// ready makes the campaign due.
	ready func() error
}

// inDatabase creates a database, calls do and drops the database.
func inDatabase(ctx context.Context, s *bed.Site, people int, do func(*world) error) (err error) {
	w := &world{people: people}
	if w.binary, err = s.Binary(ctx); err != nil {
		return err
	}
	if w.sink, err = buildSink(ctx, s.Dir); err != nil {
		return err
	}
	address, drop, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	user, err := bed.CreateUser(ctx, w.binary, address, "bench")
	if err != nil {
		return err
	}
	w.address = address
	if w.db, err = store.Open(ctx, address, store.Options{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.db.Close()) }()
	w.services = app.NewServices(w.db, app.ServiceOptions{Logger: slog.New(slog.DiscardHandler)})
	defer w.services.Close()
	ctx = caller.With(ctx, caller.Identity{
		UserID: user.ID, Role: kind.RoleUser, Reputation: kind.ReputationTrusted, Scopes: kind.AllScopes(kind.RoleUser),
		Surface: kind.SurfaceCLI, TimeZone: "UTC",
	})
	if err := w.seed(ctx); err != nil {
		return err
	}
	return do(w)
}

// buildSink builds the mail server.
func buildSink(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "sink")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "campaignql/internal/testkit/smtpsink/cmd").
		CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the mail server cannot be built: %w: %s", err, out)
	}
	return path, nil
}

func (w *world) seed(ctx context.Context) error {
	l, err := w.services.Lists.Create(ctx, list.Input{Name: "People"}, nil)
	if err != nil {
		return err
	}
	for from := 0; from < w.people; from += subscriber.MaxRows {
		rows := make([]subscriber.Row, min(subscriber.MaxRows, w.people-from))
		for i := range rows {
			rows[i].Email = fmt.Sprintf("person-%d@example.com", from+i)
		}
		if _, err := w.services.Subscribers.Add(ctx, subscriber.Addition{ListID: l.ID, Rows: rows}, nil); err != nil {
			return err
		}
	}
	html, plain := texts()
	email, err := w.services.Emails.Create(ctx, content.Patch{
		Subject: new("News for %Subscriber:EmailAddress%"), FromName: new("Ann"), FromEmail: new("ann@shop.example.com"),
		HTML: &html, Plain: &plain,
	}, nil)
	if err != nil {
		return err
	}
	c, err := w.services.Campaigns.Create(ctx, "News", nil)
	if err != nil {
		return err
	}
	include := strconv.FormatInt(l.ID, 10) + ":0"
	_, err = w.services.Campaigns.Update(ctx, campaign.Call{ID: c.ID}, campaign.Patch{
		EmailID: &email.ID, Audience: &campaign.AudiencePatch{Include: &include},
		Schedule: &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleImmediate)},
	})
	w.ready = func() error {
		_, err := w.services.Campaigns.Update(ctx, campaign.Call{ID: c.ID}, campaign.Patch{Status: new(kind.StatusReady)})
		return err
	}
	w.campaign = c.ID
	return err
}

// texts returns HTML of 7.5 KB with 40 links, and a plain text.
func texts() (html, plain string) {
	var b strings.Builder
	b.WriteString("<!doctype html><html><body><p>Hello %Subscriber:EmailAddress%, your number is %Subscriber:SubscriberID%.</p>\n")
	for i := range links {
		fmt.Fprintf(
			&b, "<p style=\"margin:0 0 12px\"><a href=\"https://shop.example.com/things/%d?from=news\">Thing %d</a>, "+
				"which you may well like, because it is made of solid oak and lasts for a lifetime.</p>\n", i, i,
		)
	}
	b.WriteString("<p><a href=\"%Link:Unsubscribe%\">Unsubscribe</a></p></body></html>\n")
	return b.String(), "Hello %Subscriber:EmailAddress%\n\nUnsubscribe: %Link:Unsubscribe%\n"
}

// sent is the cost of a campaign.
type sent struct {
	// freeze is the time until all recipients were written down, took the time from then on to the
	// last answer. processor and statements are those of both.
	freeze, took, processor time.Duration
	memory, statements      int64
}

// send starts the mail server and the server, makes the campaign due, and waits until it is sent.
func (w *world) send(ctx context.Context, trip time.Duration, connections int) (got sent, err error) {
	ctx, cancel := context.WithTimeout(caller.System(ctx), patience)
	defer cancel()
	sink := exec.CommandContext(ctx, w.sink, "-discard", "-round-trip", trip.String())
	printed, err := sink.StdoutPipe()
	if err != nil {
		return got, err
	}
	if err := sink.Start(); err != nil {
		return got, err
	}
	defer func() { _ = errors.Join(sink.Process.Kill(), sink.Wait()) }()
	host, err := bufio.NewReader(printed).ReadString('\n')
	if err != nil {
		return got, err
	}
	if err := os.Setenv("CAMPAIGNQL_SECRET", secret.Random()); err != nil {
		return got, err
	}
	server, err := bed.Serve(
		ctx, w.binary, w.address, "--smtp", "smtp://"+strings.TrimSpace(host)+"?tls=off", "--public-url",
		"https://news.example.com", "--sending-connections", strconv.Itoa(connections), "--no-explorer",
	)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	idle, err := server.Processor()
	if err != nil {
		return got, err
	}
	before, looks := w.questions(ctx), int64(0)
	if err := w.ready(); err != nil {
		return got, err
	}
	r, err := w.finished(ctx, func() {
		looks++
		if memory, err := server.Memory(); err == nil {
			got.memory = max(got.memory, memory)
		}
	})
	if err != nil {
		return got, fmt.Errorf("%w: %s", err, server.Logged())
	}
	if after := w.questions(ctx); after > 0 {
		got.statements = after - before - looks
	}
	if got.processor, err = server.Processor(); err != nil {
		return got, err
	}
	got.processor -= idle
	last, err := w.db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunID(r.ID)).
		Order(ent.Desc(runrecipient.FieldSettledAt)).First(ctx)
	if err != nil {
		return got, err
	}
	if int(r.Sent) != w.people {
		return got, fmt.Errorf("%d of %d messages were sent", r.Sent, w.people)
	}
	got.freeze, got.took = r.FrozenAt.Sub(r.StartedAt), last.SettledAt.Sub(*r.FrozenAt)
	return got, nil
}

// finished waits for the end of the run and returns it. It calls look now and then.
func (w *world) finished(ctx context.Context, look func()) (*ent.CampaignRun, error) {
	ctx = caller.System(ctx)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		look()
		r, err := w.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(w.campaign)).Only(ctx)
		if err == nil && r.Phase == kind.RunDone {
			return r, nil
		}
		if err != nil && !ent.IsNotFound(err) {
			return nil, err
		}
	}
}

// questions returns how many statements the server has run; 0 for SQLite.
func (w *world) questions(ctx context.Context) int64 {
	var name string
	var n int64
	err := w.db.Pools()[0].QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0
	}
	return n
}
