package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

// The burst of the servers that are killed, and the number of people of their campaign.
const (
	killedBurst = 16
	mailedTo    = 1500
)

// TestNobodyGetsACampaignTwiceHoweverOftenServersAreKilled sends a campaign by servers that are killed
// again and again. The mail server of the test writes a recipient down before it answers.
func TestNobodyGetsACampaignTwiceHoweverOftenServersAreKilled(t *testing.T) {
	kills := 5
	if testkit.Long() {
		kills = 60
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		sink := smtpsink.Start(t, smtpsink.Options{RoundTrip: 3 * time.Millisecond})
		flags := []string{
			"--smtp", fmt.Sprintf("smtp://127.0.0.1:%d?tls=off", sink.Port), "--public-url", "https://news.example.com",
			"--secret-file", secretFile(t), "--sending-lease", "2s", "--sending-burst", fmt.Sprint(killedBurst),
			"--sending-connections", "4",
		}
		servers := []*server{start(t, address, flags...)}
		if !strings.HasPrefix(address, "sqlite:") {
			servers = append(servers, start(t, address, flags...))
		}
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		id := mailing(t, db)
		for kill := range kills {
			progress(t, sink, (kill+1)*mailedTo/(kills+2))
			victim := rand.IntN(len(servers))
			servers[victim].kill(t)
			servers[victim].wait(t)
			servers[victim] = start(t, address, flags...)
		}
		ctx := caller.System(t.Context())
		var c *ent.Campaign
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if c, err = db.Client(ctx).Campaign.Get(ctx, id); err != nil {
				t.Fatal(err)
			}
			if c.Status == kind.StatusSent {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the campaign is still %s: %s", c.Status, c.StatusReason)
			}
		}
		compareWithLog(t, db, c, sink, kills)
	})
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

// progress waits until the mail server has taken a number of messages.
func progress(t *testing.T, sink *smtpsink.Sink, enough int) {
	t.Helper()
	for deadline := time.Now().Add(patience); sink.Count() < enough; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages in %s, want %d", sink.Count(), patience, enough)
		}
	}
}

// mailing makes an account with people and a campaign to them that is due, and returns its id.
func mailing(t *testing.T, db *store.Store) int64 {
	t.Helper()
	services := app.NewServices(db, app.ServiceOptions{})
	t.Cleanup(services.Close)
	user, key, err := services.Accounts.CreateUser(caller.System(t.Context()), account.NewUser{
		Username: "ann", Email: "ann@example.com", Password: "correct horse",
	})
	if err != nil {
		t.Fatal(err)
	}
	who, err := services.Accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceGraphQL)
	if err != nil {
		t.Fatal(err)
	}
	ctx := caller.With(context.Background(), who)
	l, err := services.Lists.Create(ctx, list.Input{Name: "People"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]subscriber.Row, mailedTo)
	for i := range rows {
		rows[i].Email = fmt.Sprintf("p%d@example.com", i)
	}
	if _, err := services.Subscribers.Add(ctx, subscriber.Addition{ListID: l.ID, Rows: rows}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := services.Emails.Create(ctx, content.Patch{
		Subject: new("News"), FromEmail: new("ann@shop.example.com"),
		Plain: new("Hello %Subscriber:EmailAddress%\n\n%Link:Unsubscribe%\n"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := services.Campaigns.Create(ctx, "News", nil)
	if err != nil {
		t.Fatal(err)
	}
	include := fmt.Sprintf("%d:0", l.ID)
	_, err = services.Campaigns.Update(ctx, campaign.Call{ID: c.ID}, campaign.Patch{
		EmailID: &e.ID, Audience: &campaign.AudiencePatch{Include: &include},
		Schedule: &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleImmediate)},
		Status:   new(kind.StatusReady),
	})
	if err != nil || user == nil {
		t.Fatal(err)
	}
	return c.ID
}

// compareWithLog compares, person by person, what the run says with what the mail server took.
func compareWithLog(t *testing.T, db *store.Store, c *ent.Campaign, sink *smtpsink.Sink, kills int) {
	t.Helper()
	ctx := caller.System(t.Context())
	r, err := db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(c.ID)).Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunID(r.ID)).WithContact().All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	for _, entry := range sink.Log() {
		taken[entry.Address]++
	}
	states := map[kind.RecipientState]int64{}
	for _, row := range rows {
		states[row.State]++
		to := row.Edges.Contact.Email
		switch n := taken[to]; {
		case n > 1:
			t.Errorf("%s got %d messages", to, n)
		case row.State == kind.RecipientSent && n != 1:
			t.Errorf("%s is sent, and got nothing", to)
		case n == 1 && row.State != kind.RecipientSent && row.State != kind.RecipientUnknown:
			t.Errorf("%s got a message, and is %s", to, row.State)
		}
	}
	if len(rows) != mailedTo || states[kind.RecipientSent]+states[kind.RecipientUnknown] != mailedTo {
		t.Errorf("%d recipients: %v", len(rows), states)
	}
	if most := int64(kills * killedBurst); states[kind.RecipientUnknown] > most {
		t.Errorf("%d unknown after %d kills, at most %d", states[kind.RecipientUnknown], kills, most)
	}
	if r.Sent != states[kind.RecipientSent] || r.Unknown != states[kind.RecipientUnknown] || r.Total != mailedTo ||
		r.Pending+r.Begun+r.Deferred+r.Failed+r.Skipped != 0 {
		t.Errorf("the run says %v, its rows %v", r, states)
	}
	if c.TotalSent != r.Sent {
		t.Errorf("the campaign counts %d sent, the run %d", c.TotalSent, r.Sent)
	}
}
