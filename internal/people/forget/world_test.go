package forget_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/migrate"
	"campaignql/internal/app"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/secret"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

const firstSecret, secondSecret = "first-secret-of-at-least-32-bytes", "second-secret-of-at-least-32-bytes"

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// world is an account with three lists, a field, a tag, and a campaign to the first two lists.
type world struct {
	*app.Services
	t        *testing.T
	ctx      context.Context
	owner    int64
	client   *ent.Client
	lists    [3]int64
	field    int64
	tag      int64
	campaign int64
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newWorld(t, db))
	})
}

// eachFresh is each with a database for this test alone.
func eachFresh(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		test(t, newWorld(t, testkit.Open(t, address)))
	})
}

func newWorld(t *testing.T, db *store.Store) *world {
	t.Helper()
	me := testkit.Account(t, db)
	w := &world{t: t, ctx: testkit.As(t, me), owner: me.UserID}
	w.client = db.Client(w.ctx)
	w.Services = w.with(db, firstSecret)
	for i := range w.lists {
		name := fmt.Sprint("l", i)
		w.lists[i] = w.client.SubscriberList.Create().SetName(name).SetNameKey(name).SetCreatedAt(start).SaveX(w.ctx).ID
	}
	w.field = w.client.CustomField.Create().SetName("f").SetNameKey("f").SetCreatedAt(start).SaveX(w.ctx).ID
	w.tag = w.client.SubscriberTag.Create().SetName("t").SetNameKey("t").SetCreatedAt(start).SaveX(w.ctx).ID
	audience := fmt.Sprintf(
		`{"operator":"or","criteria":[{"list_id":%d},{"list_id":%d}]}`, w.lists[0], w.lists[1],
	)
	w.campaign = w.client.Campaign.Create().SetName("c").SetNameKey("c").SetCreatedAt(start).SetLastActivityAt(start).
		SetAudience(audience).SaveX(w.ctx).ID
	return w
}

// with returns services of a server with these secrets, or with none.
func (w *world) with(db *store.Store, secrets string) *app.Services {
	w.t.Helper()
	var s *secret.Secret
	if secrets != "" {
		var err error
		if s, err = secret.Parse(secrets); err != nil {
			w.t.Fatal(err)
		}
	}
	services := app.NewServices(db, app.ServiceOptions{Secret: s, Now: func() time.Time { return start }})
	w.t.Cleanup(services.Close)
	return services
}

// enter puts people onto a list, and returns the ids of the contacts in their order.
func (w *world) enter(list int64, emails ...string) []int64 {
	w.t.Helper()
	rows := make([]subscriber.Row, len(emails))
	for i, email := range emails {
		rows[i] = subscriber.Row{Email: email, IP: "192.0.2.7", Fields: map[int64]string{w.field: "value of " + email}}
	}
	results, err := w.Subscribers.Add(w.ctx, subscriber.Addition{ListID: list, Rows: rows}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ids := make([]int64, len(emails))
	for i, result := range results {
		if result.Err != nil {
			w.t.Fatal(result.Err)
		}
		row := w.client.Subscriber.GetX(w.ctx, result.SubscriberID)
		ids[i] = row.ContactID
		if err := w.SubscriberTags.Assign(w.ctx, []int64{row.ID}, []int64{w.tag}); err != nil {
			w.t.Fatal(err)
		}
	}
	return ids
}

// happened is an event with everything that tells of a person.
func (w *world) happened(id string, what kind.EventKind, email string) event.Event {
	e := event.Event{
		ID: id, Kind: what, CampaignID: w.campaign, Email: email, At: start.Format(time.RFC3339),
		Reason: "reason of " + email, UserAgent: "Mozilla/5.0 agent of " + email, IP: "198.51.100.7",
	}
	if what == kind.EventClicked {
		e.URL = "https://shop.example.com/"
	}
	return e
}

func (w *world) record(events ...event.Event) {
	w.t.Helper()
	results, err := w.Events.Record(w.ctx, events)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome != event.Recorded {
			w.t.Fatalf("%s: %s %v", r.ID, r.Outcome, r.Err)
		}
	}
}

// forget forgets contacts, and purges what is left.
func (w *world) forget(opts forget.Options, ids ...int64) {
	w.t.Helper()
	forgotten, err := w.Forgetting.Forget(w.ctx, ids, opts)
	if err != nil || len(forgotten) != len(ids) {
		w.t.Fatal(forgotten, err)
	}
	w.purge()
}

func (w *world) purge() {
	w.t.Helper()
	if _, err := w.Purges.Purge(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
	if n := w.client.AudiencePurge.Query().CountX(w.ctx); n != 0 {
		w.t.Errorf("%d things are still to be purged", n)
	}
}

// suppression returns the reason and the instant of the suppression of an address, or "".
func (w *world) suppression(key string) string {
	w.t.Helper()
	for _, row := range w.client.Suppression.Query().AllX(w.ctx) {
		if row.EmailKey == key && row.UserID == w.owner {
			return fmt.Sprint(row.Email, " ", row.Reason, " ", row.CreatedAt.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// counted returns the counters of the campaign, of its hours, links and domains.
func (w *world) counted() string {
	w.t.Helper()
	var out strings.Builder
	c := w.client.Campaign.GetX(w.ctx, w.campaign)
	c.Recounts = 0
	fmt.Fprintln(&out, c)
	for _, row := range w.client.HourlyCounter.Query().AllX(w.ctx) {
		fmt.Fprintln(&out, row)
	}
	for _, row := range w.client.ConversionAmount.Query().AllX(w.ctx) {
		fmt.Fprintln(&out, row)
	}
	for _, row := range w.client.LinkCounter.Query().AllX(w.ctx) {
		fmt.Fprintln(&out, row)
	}
	for _, row := range w.client.DomainCounter.Query().AllX(w.ctx) {
		fmt.Fprintln(&out, row)
	}
	return out.String()
}

// recount checks that the counters are those of the events.
func (w *world) recount() {
	w.t.Helper()
	differences, err := w.Events.Recount(caller.System(w.t.Context()), w.campaign)
	if err != nil || len(differences) > 0 {
		w.t.Errorf("recount: %v, %v", differences, err)
	}
}

// found returns the tables and columns of the whole database that contain one of the texts, ignoring
// case.
func (w *world) found(texts ...string) []string {
	w.t.Helper()
	var out []string
	for _, table := range migrate.Tables {
		rows, err := w.client.QueryContext(w.ctx, "SELECT * FROM "+table.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]sql.NullString, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				w.t.Fatal(err)
			}
			for i, v := range values {
				for _, text := range texts {
					if strings.Contains(strings.ToLower(v.String), text) {
						out = append(out, fmt.Sprintf("%s.%s: %s", table.Name, names[i], v.String))
					}
				}
			}
		}
		if err := rows.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}
