package graph_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

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
		data := w.MustQuery(t, other.Key, `{ lists { totalCount nodes { subscriberCount } } campaigns { nodes { audience { count } } } }`, nil)
		if apitest.At(t, data, "campaigns", "nodes", 0, "audience", "count") != 1.0 {
			t.Errorf("another account is answered %v", data)
		}
		if status, body := w.Command(t, url.Values{"Command": {"Lists.Get"}, "APIKey": {other.Key}}); status != 200 || !strings.Contains(body, `"Success":true`) {
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
