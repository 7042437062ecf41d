package graph_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestAnonymousSocketsKeepNobodyOut opens a thousand WebSockets without credentials from the same
// address as the clients with keys. Half of them send connection_init, and the others send nothing.
func TestAnonymousSocketsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := liveConfig()
	cfg.MaxSockets, cfg.MaxAnonymousSockets = 4, 16
	w := &world{Server: apitest.With(t, db, cfg), db: db}
	owner := w.Account(t)
	c := w.sending(t, owner)
	before := connect(t, w.URL, owner.Key)

	const attempts = 1000
	var opened, within atomic.Int64
	var all sync.WaitGroup
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for i := range attempts {
		if i%50 == 49 {
			eventually(t, "the connections are opened", func() bool { return opened.Load() >= int64(i) })
		}
		all.Go(func() {
			conn, _, err := websocket.Dial(ctx, w.URL+"/graphql", dialOptions())
			opened.Add(1)
			if err != nil {
				return // another connection took its place before it was open
			}
			defer func() { _ = conn.CloseNow() }()
			within.Add(1)
			defer within.Add(-1)
			if i%2 == 0 {
				_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init"}`))
			}
			for err == nil {
				_, _, err = conn.Read(ctx)
			}
		})
	}
	eventually(
		t, "all but sixteen have lost their places",
		func() bool { return opened.Load() == attempts && within.Load() <= 16 },
	)
	if n := within.Load(); n == 0 {
		t.Error("nobody waits: the test proves nothing")
	}
	for _, s := range []*socket{before, connect(t, w.URL, owner.Key), connect(t, w.URL, owner.Key)} {
		s.subscribe("1", subscriptionDocument, object{"ids": []string{number(c.ID)}})
		s.next()
	}
	if n := w.Services.Live.Open(); n != 3 {
		t.Errorf("%d subscriptions are open", n)
	}
	leave()
	all.Wait()
}

// TestAnAnonymousSocketMayDoWhatNeedsNoCaller also checks that the connection is closed after a
// while. The tests of package transport check when.
func TestAnAnonymousSocketMayDoWhatNeedsNoCaller(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	w := &world{Server: apitest.With(t, db, liveConfig()), db: db}
	s := connect(t, w.URL, "")
	s.subscribe("1", `{ serverInfo { version } }`, nil)
	s.want("next")
	s.want("complete")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Ping(ctx); websocket.CloseStatus(err) > 0 {
		t.Error(err)
	}
}
