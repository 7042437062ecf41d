package sending_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/sending"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

// written writes runs of the account of ctx, with n recipients each, of which every tenth has failed.
func written(ctx context.Context, t *testing.T, db *store.Store, runs, n int) []*ent.CampaignRun {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	client := db.Client(ctx)
	var made []*ent.CampaignRun
	for range runs {
		c := client.Campaign.Create().SetName("c").SetNameKey("c").SetCreatedAt(at).SetLastActivityAt(at).SaveX(ctx)
		r := client.CampaignRun.Create().SetCampaignID(c.ID).SetInstance(1).SetAudience("{}").SetResolvedAt(at).
			SetStartedAt(at).SaveX(ctx)
		rows := make([]*ent.RunRecipientCreate, n)
		for i := range rows {
			rows[i] = client.RunRecipient.Create().SetRunID(r.ID).SetContactID(int64(i + 1)).SetSubscriberID(1).
				SetState(kind.RecipientSent)
			if i%10 == 9 {
				rows[i].SetState(kind.RecipientFailed).SetTrouble(kind.RecipientFailed).SetReply("no")
			}
		}
		for some := range slices.Chunk(rows, 1000) {
			client.RunRecipient.CreateBulk(some...).ExecX(ctx)
		}
		made = append(made, r)
	}
	return made
}

// TestRunsOfAnotherAccountAreEmpty asks for runs by the numbers that they have.
func TestRunsOfAnotherAccountAreEmpty(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{})
		r := written(w.ctx, t, db, 1, 20)[0]
		stranger := testkit.As(t, testkit.Account(t, db))
		read := func(ctx context.Context) []int {
			t.Helper()
			latest, err1 := w.Sending.LatestRuns(ctx, []int64{r.CampaignID})
			counted, err2 := w.Sending.CountRuns(ctx, []int64{r.CampaignID})
			byID, err3 := w.Sending.RunsByIDs(ctx, []int64{r.ID})
			recipients, err4 := w.Sending.Recipients(ctx, []int64{r.ID}, sending.RecipientFilter{}, page.Request{})
			failed, err5 := w.Sending.Recipients(ctx, []int64{r.ID}, sending.RecipientFilter{State: new(kind.RecipientFailed)}, page.Request{})
			problems, err6 := w.Sending.Problems(ctx, []int64{r.ID})
			for _, err := range []error{err1, err2, err3, err4, err5, err6} {
				if err != nil {
					t.Fatal(err)
				}
			}
			return []int{
				len(latest), counted[r.CampaignID], len(byID), len(recipients[r.ID].Items), len(failed[r.ID].Items),
				len(problems[r.ID]),
			}
		}
		if diff := cmp.Diff([]int{1, 1, 1, 20, 2, 1}, read(w.ctx)); diff != "" {
			t.Errorf("the account itself (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]int{0, 0, 0, 0, 0, 0}, read(stranger)); diff != "" {
			t.Errorf("another account (-want +got)\n%s", diff)
		}
		if _, err := w.Sending.Problems(context.Background(), []int64{r.ID}); apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("nobody reads problems: %v", err)
		}
	})
}

// TestPagesOfRecipientsReadAlongAnIndex counts what the servers read for a page of large runs.
func TestPagesOfRecipientsReadAlongAnIndex(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{})
		const size = 5000
		runs := written(w.ctx, t, db, 2, size)
		ids := []int64{runs[0].ID, runs[1].ID}
		for name, state := range map[string]*kind.RecipientState{"all": nil, "failed": new(kind.RecipientFailed)} {
			filter := sending.RecipientFilter{State: state}
			first, err := w.Sending.Recipients(w.ctx, ids, filter, page.Request{First: new(5)})
			if err != nil {
				t.Fatal(err)
			}
			after := first[ids[1]].Cursor(4)
			recorder := &store.Recorder{}
			second, err := w.Sending.Recipients(
				store.WithRecorder(w.ctx, recorder), ids, filter, page.Request{First: new(5), After: after},
			)
			if err != nil || len(second[ids[1]].Items) != 5 || !second[ids[1]].HasNext {
				t.Fatalf("%s: %v, %v", name, second, err)
			}
			if statements := recorder.Statements(); len(statements) != 1 {
				t.Fatalf("%s: %d statements", name, len(statements))
			}
			w.readsLittle(db, name, recorder.Statements()[0], state != nil)
		}
	})
}

// readsLittle runs a statement again and looks at what it reads: on SQLite at the plan, elsewhere at
// the counters of the server.
func (w *world) readsLittle(db *store.Store, name string, s store.Statement, troubles bool) {
	w.t.Helper()
	pool := db.Pools()[0]
	if db.Dialect() == dialect.SQLite {
		var plan []string
		scan(w.t, pool, "EXPLAIN QUERY PLAN "+s.Query, s.Args, func(values []sql.NullString) {
			plan = append(plan, values[len(values)-1].String)
		})
		text := strings.Join(plan, "\n")
		if strings.Contains(text, "SCAN run_recipients") {
			w.t.Errorf("%s: reads all recipients:\n%s", name, text)
		}
		if troubles != strings.Contains(text, "runrecipient_run_id_trouble (run_id=? AND trouble=?)") {
			w.t.Errorf("%s: another index than expected:\n%s", name, text)
		}
		return
	}
	conn, err := pool.Conn(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	reads := func() (n int64) {
		scan(w.t, conn, "SHOW SESSION STATUS LIKE 'Handler_read%'", nil, func(values []sql.NullString) {
			var read int64
			if _, err := fmt.Sscan(values[1].String, &read); err != nil {
				w.t.Fatal(err)
			}
			n += read
		})
		return n
	}
	before := reads()
	scan(w.t, conn, s.Query, s.Args, func([]sql.NullString) {})
	if n := reads() - before; n > 200 {
		var plan strings.Builder
		scan(w.t, conn, "EXPLAIN "+s.Query, s.Args, func(values []sql.NullString) { fmt.Fprintln(&plan, values) })
		w.t.Errorf("%s: reads %d rows for a page of 5 of each of 2 runs:\n%s", name, n, plan.String())
	}
}

// scan calls visit for each row.
func scan(
	t *testing.T, on interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}, query string, args []any, visit func(values []sql.NullString),
) {
	t.Helper()
	rows, err := on.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		visit(values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
