package graph_test

import (
	"bytes"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/export"
	"campaignql/internal/gate"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestHeavyWorkOfOneAccountHoldsUpNoOther holds all places of an account while that account
// requests the counts of eight pages.
func TestHeavyWorkOfOneAccountHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		testkit.Open(t, address)
		db, err := store.Open(t.Context(), address, store.Options{MaxConnections: 6, MaxHeavy: 3, MaxAccountHeavy: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		w := &world{Server: apitest.New(t, db), db: db}
		greedy, other := w.Account(t), w.Account(t)
		const campaigns, requests = 10, 8
		for i := range campaigns {
			w.aim(t, greedy, w.campaign(t, greedy), 2*i) // an audience of lists
		}
		w.aim(t, other, w.campaign(t, other), 0)
		gate := db.HeavyGate()
		var leave []func()
		for range 2 {
			out, err := gate.Enter(greedy.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, out)
		}
		var asked sync.WaitGroup
		for range requests {
			asked.Go(func() {
				response := w.Query(t, greedy.Key, `{ campaigns(first: 50) { nodes { audience { count } } } }`, nil)
				if len(response.Errors) > 0 || strings.Count(response.Body, `"count":1`) != campaigns {
					t.Errorf("after its turn: %.500s", response.Body)
				}
			})
		}
		for deadline := time.Now().Add(10 * time.Second); gate.Waiting() < requests; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d counts wait, want one of each request: %d", gate.Waiting(), requests)
			}
		}
		for _, pool := range db.Pools() {
			if n := pool.Stats().InUse; n != 0 {
				t.Errorf("what waits holds %d connections", n)
			}
		}
		// Another account gets answers over both surfaces, including answers that need heavy work.
		data := w.MustQuery(
			t, other.Key,
			`{ lists { totalCount nodes { subscriberCount } } campaigns { nodes { audience { count } } } }`, nil,
		)
		if apitest.At(t, data, "campaigns", "nodes", 0, "audience", "count") != 1.0 {
			t.Errorf("another account is answered %v", data)
		}
		status, body := w.Command(t, url.Values{"Command": {"Lists.Get"}, "APIKey": {other.Key}})
		if status != 200 || !strings.Contains(body, `"Success":true`) {
			t.Errorf("over the bridge: %d %.300s", status, body)
		}
		if err := db.Ready(t.Context()); err != nil {
			t.Errorf("not ready: %v", err)
		}
		for _, out := range leave {
			out()
		}
		asked.Wait()
		if gate.Waiting() != 0 {
			t.Errorf("%d wait in the end", gate.Waiting())
		}
	})
}

// holdPlaces takes all places for heavy work of an account and returns a function that releases
// them.
func holdPlaces(gate *gate.Gate, account int64) (leave func()) {
	var held []func()
	for {
		out, err := gate.Enter(account)
		if err != nil {
			break
		}
		held = append(held, out)
	}
	return func() {
		for _, out := range held {
			out()
		}
	}
}

// waits runs work while all places of an account are held, and reports whether work waited for one.
func waits(t *testing.T, gate *gate.Gate, account int64, work func()) bool {
	t.Helper()
	leave := holdPlaces(gate, account)
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	waited := false
	for deadline := time.After(10 * time.Second); !waited; {
		select {
		case <-done:
			leave()
			return false
		case <-deadline:
			t.Error("the work neither waits nor ends")
			waited = true
		case <-time.After(time.Millisecond):
			waited = gate.Waiting() > 0
		}
	}
	leave()
	<-done
	return waited
}

// TestQueriesThatReadManyRowsWaitForAPlace requests pages and counts in every order and with every
// kind of condition. Queries that an index answers must not wait.
func TestQueriesThatReadManyRowsWaitForAPlace(t *testing.T) {
	eachAlone(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.aim(t, a, w.campaign(t, a), 0)
		w.db.Client(a.Context).SubscriberTag.Create().
			SetName("gold").SetNameKey("gold").SetCreatedAt(firstDay).SaveX(a.Context)
		people := func(arguments string) string {
			return `{ lists { nodes { subscribers(first: 1` + arguments + `) { nodes { id } } } } }`
		}
		for query, want := range map[string]bool{
			people(`, orderBy: {field: EMAIL_ADDRESS}`):                                                         false,
			people(`, orderBy: {field: SUBSCRIBED_AT}`):                                                         false,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {emailAddresses: ["a@example.com"]}`):            false,
			people(`, orderBy: {field: OPTED_IN_AT}`):                                                           true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {bounce: [HARD]}`):                               true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {status: [PENDING]}`):                            true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {active: false}`):                                true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {suppressed: true}`):                             true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {search: "a"}`):                                  true,
			people(`, orderBy: {field: EMAIL_ADDRESS}, filter: {subscribedAt: {from: "2026-01-01T00:00:00Z"}}`): true,
			`{ lists { nodes { subscriberCount } } }`:                                                           true,
			`{ campaigns(first: 1) { nodes { id } } }`:                                                          false,
			`{ campaigns(first: 1, filter: {status: [SENT]}) { nodes { id } } }`:                                false,
			`{ campaigns(first: 1, filter: {search: "a"}) { nodes { id } } }`:                                   true,
			`{ campaigns(first: 1, filter: {not: {openRate: {min: 0.5}}}) { nodes { id } } }`:                   true,
			`{ subscriberTags { nodes { subscriberCount } } }`:                                                  true,
			`{ subscriberTags { nodes { name } } }`:                                                             false,
		} {
			var response *apitest.Response
			got := waits(t, w.db.HeavyGate(), a.User.ID, func() { response = w.Query(t, a.Key, query, nil) })
			if got != want || len(response.Errors) > 0 {
				t.Errorf("%s waits: %t, want %t; %.300s", query, got, want, response.Body)
			}
		}
	})
}

// TestEachExportWaitsForAPlaceOfHeavyWork requests a file of each content while all places of the
// account are held.
func TestEachExportWaitsForAPlaceOfHeavyWork(t *testing.T) {
	eachAlone(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, _ := w.acted(t, a)
		for _, content := range []export.Content{export.Series, export.Links, export.Activity} {
			var file bytes.Buffer
			var err error
			waited := waits(t, w.db.HeavyGate(), a.User.ID, func() {
				var opened *export.File
				opened, err = w.Services.Exports.Open(a.Context, export.Request{
					CampaignID: c.ID, Content: content, Format: export.CSV, Span: statistics.Span{Zone: time.UTC},
				})
				if err == nil {
					err = opened.Write(a.Context, &file, func() error { return nil })
				}
			})
			if !waited || err != nil || strings.Count(file.String(), "\n") < 2 {
				t.Errorf("%s waited: %t; %v, %q", content, waited, err, file.String())
			}
		}
	})
}
