package graph_test

import (
	"bytes"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/export"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestHeavyWorkOfOneAccountHoldsUpNoOther holds all places of an account while it asks for the counts of eight pages.
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
			w.aim(t, greedy, w.campaign(t, greedy), 2*i) // by lists
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
		for deadline := time.Now().Add(10 * time.Second); gate.Waiting() < campaigns*requests; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d counts wait, want %d", gate.Waiting(), campaigns*requests)
			}
		}
		for _, pool := range db.Pools() {
			if n := pool.Stats().InUse; n != 0 {
				t.Errorf("what waits holds %d connections", n)
			}
		}
		// Another account is answered, its own heavy work too, over either surface.
		data := w.MustQuery(
			t, other.Key,
			`{ lists { totalCount nodes { subscriberCount } } campaigns { nodes { audience { count } } } }`, nil,
		)
		if apitest.At(t, data, "campaigns", "nodes", 0, "audience", "count") != 1.0 {
			t.Errorf("another account is answered %v", data)
		}
		if status, body := w.Command(
			t,
			url.Values{"Command": {"Lists.Get"}, "APIKey": {other.Key}},
		); status != 200 ||
			!strings.Contains(body, `"Success":true`) {
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

// TestEachExportWaitsForAPlaceOfHeavyWork holds all places of an account while it reads a file of each content.
func TestEachExportWaitsForAPlaceOfHeavyWork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c, _ := w.acted(t, a)
		for _, content := range []export.Content{export.Series, export.Links, export.Activity} {
			gate := w.db.HeavyGate()
			var leave []func()
			for {
				out, err := gate.Enter(a.User.ID)
				if err != nil {
					break
				}
				leave = append(leave, out)
			}
			waiting := gate.Waiting()
			var file bytes.Buffer
			done := make(chan error, 1)
			go func() {
				request := export.Request{
					CampaignID: c.ID, Content: content, Format: export.CSV, Span: statistics.Span{Zone: time.UTC},
				}
				opened, err := w.Services.Exports.Open(a.Context, request)
				if err == nil {
					err = opened.Write(a.Context, &file, func() error { return nil })
				}
				done <- err
			}()
			for deadline := time.Now().Add(10 * time.Second); gate.Waiting() <= waiting; time.Sleep(time.Millisecond) {
				select {
				case err := <-done:
					t.Fatalf("%s did not wait: %v", content, err)
				default:
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: nothing waits for a place", content)
				}
			}
			for _, out := range leave {
				out()
			}
			if err := <-done; err != nil || strings.Count(file.String(), "\n") < 2 {
				t.Errorf("%s after its turn: %v, %q", content, err, file.String())
			}
		}
	})
}
