package graph_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/graph/download"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/export"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/surface"
	"campaignql/internal/testkit/apitest"
)

// active creates n events of one subscriber for a campaign.
func (w *world) active(t *testing.T, a *apitest.Account, n int) *ent.Campaign {
	t.Helper()
	client := w.db.Client(a.Context)
	c := w.bare(t, a)
	p := must(
		client.Subscriber.Create().
			SetListID(1_000_000 + a.User.ID).SetEmail("ann@example.org").SetEmailKey(randomName()).
			SetContactID(w.contactShownAs(t, a, "ann@example.org")).SetCreatedAt(firstDay).Save(a.Context),
	)(t)
	all := make([]*ent.EventCreate, n)
	for i := range all {
		all[i] = client.Event.Create().
			SetID(fmt.Sprintf("%d-%06d", c.ID, i)).SetCampaignID(c.ID).SetContactID(p.ContactID).SetSubscriberID(p.ID).
			SetKind(kind.EventOpened).SetAt(firstDay).SetReason(strings.Repeat("r", 100))
	}
	for some := range slices.Chunk(all, 1000) {
		if err := client.Event.CreateBulk(some...).Exec(a.Context); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestActivityIsReadPageByPageByKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		const events = 10*export.PageRows + 500
		c := w.active(t, a, events)
		neighbour := w.active(t, a, 5) // its keys follow those of the campaign
		var body string
		ran := w.Record(func() { _, body = fetch(t, w.URL+"/export/campaigns/"+number(c.ID)+"/activity.csv", a.Key) })
		if rows := strings.Count(body, "\r\n") - 1; rows != events {
			t.Errorf("%d rows of %d", rows, events)
		}
		perTable := map[string]int{}
		for _, s := range ran {
			if _, from, ok := strings.Cut(s.Query, " FROM `"); ok { // the lookup of the key has no quotes
				table, _, _ := strings.Cut(from, "`")
				perTable[table]++
			}
			if strings.Contains(s.Query, "OFFSET") {
				t.Errorf("rows are skipped: %s", s.Query)
			}
		}
		if diff := cmp.Diff(map[string]int{"campaigns": 2, "events": 11, "contacts": 11}, perTable); diff != "" {
			t.Errorf("statements (-want +got):\n%s", diff)
		}
		for _, s := range ran {
			if plan := w.plan(t, s); strings.Contains(s.Query, "FROM `events`") &&
				(strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "filesort")) {
				t.Errorf("a page is sorted: %s\n%s", s.Query, plan)
			}
		}
		_, body = fetch(t, w.URL+"/export/campaigns/"+number(neighbour.ID)+"/activity.json", a.Key)
		if strings.Count(body, "{") != 5 {
			t.Errorf("the neighbour: %s", body)
		}
	})
}

// plan returns the database's execution plan of a statement.
func (w *world) plan(t *testing.T, s store.Statement) string {
	t.Helper()
	ctx, client := w.system()
	explain := "EXPLAIN "
	if w.db.Dialect() != "mysql" {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows := must(client.QueryContext(ctx, explain+s.Query, s.Args...))(t)
	defer rows.Close()
	var plan strings.Builder
	cells := make([]sql.RawBytes, len(must(rows.Columns())(t)))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, cell := range cells {
			plan.Write(cell)
			plan.WriteByte(' ')
		}
	}
	return plan.String()
}

// choked is a response writer that runs a function before it sends the first bytes.
type choked struct {
	http.ResponseWriter
	then func()
}

func (c *choked) Write(p []byte) (int, error) {
	if c.then != nil {
		c.then()
		c.then = nil
	}
	return c.ResponseWriter.Write(p)
}

func (c *choked) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// through returns a server whose handler is wrapped by another one.
func (w *world) through(t *testing.T, around func(next http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(
		around(app.Handler(w.Services, app.HandlerOptions{Config: apitest.Config(), Stopping: make(chan struct{})})),
	)
	t.Cleanup(server.Close)
	return server
}

func TestWhatBreaksOffIsNoWholeFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.active(t, a, 3*export.PageRows)
		server := w.through(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				defer cancel()
				next.ServeHTTP(
					&choked{ResponseWriter: rw, then: cancel}, r.WithContext(ctx),
				) // as if the connection to the database were lost
			})
		})
		for _, file := range []string{"activity.csv", "activity.json"} {
			for _, encoding := range []string{"identity", "gzip"} {
				request := must(
					http.NewRequestWithContext(
						t.Context(), http.MethodGet, server.URL+"/export/campaigns/"+number(c.ID)+"/"+file, nil,
					),
				)(t)
				request.Header.Set("Authorization", "Bearer "+a.Key)
				request.Header.Set("Accept-Encoding", encoding)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					continue // broken before anything arrived: no file either
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode == http.StatusOK && err == nil {
					t.Errorf("%s, %s: %d bytes look like a whole file", file, encoding, len(body))
				}
			}
		}
	})
}

func TestAFileOfACampaignThatIsDeletedIsNotWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		for _, file := range []string{"activity.csv", "links.json"} {
			c := w.active(t, a, 2*export.PageRows)
			ctx, client := w.system()
			for i := range 300 { // more links than the first page has
				client.LinkCounter.Create().
					SetUserID(c.UserID).SetCampaignID(c.ID).SetURL(number(int64(i))).
					SetURLHash(number(int64(i))).SaveX(ctx)
			}
			server := w.through(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(&choked{ResponseWriter: rw, then: func() {
						w.MustQuery(
							t, a.Key, `mutation($ids: [ID!]!) { deleteCampaigns(input: {ids: $ids}) { deletedIds } }`,
							object{"ids": []string{number(c.ID)}},
						)
					}}, r)
				})
			})
			request := must(
				http.NewRequestWithContext(
					t.Context(), http.MethodGet, server.URL+"/export/campaigns/"+number(c.ID)+"/"+file, nil,
				),
			)(t)
			request.Header.Set("Authorization", "Bearer "+a.Key)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				continue // broken before anything arrived: no file either
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusOK || err == nil {
				t.Errorf("%s: %d, %d bytes look like a whole file", file, response.StatusCode, len(body))
			}
		}
	})
}

func TestAFileEndsWithTheKeyThatReadsIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.active(t, a, 2*export.PageRows)
		for _, revoked := range []bool{false, true} {
			created, key, err := w.Services.Accounts.CreateKey(
				a.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}},
			)
			if err != nil {
				t.Fatal(err)
			}
			handler := http.NewServeMux()
			handler.Handle(
				"/export/campaigns/{id}/{file}",
				download.New(w.Services.Accounts, w.Services.Exports, download.Options{}),
			)
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				surface.Identify(surface.Identity{}, handler).ServeHTTP(&choked{ResponseWriter: rw, then: func() {
					if revoked {
						_, err := w.Services.Accounts.RevokeKey(a.Context, created.ID, account.RevokeDescendants)
						if err != nil {
							t.Error(err)
						}
					}
				}}, r)
			}))
			request := must(
				http.NewRequestWithContext(
					t.Context(), http.MethodGet, server.URL+"/export/campaigns/"+number(c.ID)+"/activity.csv", nil,
				),
			)(t)
			request.Header.Set("Authorization", "Bearer "+key)
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				if response.StatusCode != http.StatusOK {
					t.Errorf("answered %s", response.Status)
				}
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			if (err != nil) != revoked {
				t.Errorf("the key revoked meanwhile %v: %v", revoked, err)
			}
			server.Close()
		}
	})
}

func TestAClientThatGoesAwayStopsTheReading(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.active(t, a, 6*export.PageRows)
		recorder, done, choking := new(store.Recorder), make(chan struct{}), make(chan struct{})
		server := w.through(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				defer close(done)
				gone := func() {
					close(choking)
					<-r.Context().Done()
				}
				next.ServeHTTP(
					&choked{ResponseWriter: rw, then: gone}, r.WithContext(store.WithRecorder(r.Context(), recorder)),
				)
			})
		})
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		request := must(
			http.NewRequestWithContext(
				ctx, http.MethodGet, server.URL+"/export/campaigns/"+number(c.ID)+"/activity.csv", nil,
			),
		)(t)
		request.Header.Set("Authorization", "Bearer "+a.Key)
		request.Header.Set("Accept-Encoding", "identity")
		go func() {
			<-choking
			leave()
		}()
		if response, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		<-done
		pages := 0
		for _, s := range recorder.Statements() {
			if strings.Contains(s.Query, "FROM `events`") {
				pages++
			}
		}
		if pages == 0 || pages > 3 {
			t.Errorf("%d of 7 pages were read", pages)
		}
	})
}
