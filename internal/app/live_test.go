package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

const following = `subscription { campaignChanged(campaignIds: [\"1\"]) { campaign { legacyId statistics { sent } } } }`

// follows opens a WebSocket to a server and subscribes. It returns a function that reads the next
// message.
func (r *running) follows(t *testing.T, key string) (next func() (string, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(
		ctx, r.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	for _, text := range []string{`{"type":"connection_init","payload":{"apiKey":"` + key + `"}}`, `{"id":"1","type":"subscribe","payload":{"query":"` + following + `"}}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	next = func() (string, error) {
		_, text, err := conn.Read(ctx)
		return string(text), err
	}
	if ack, err := next(); err != nil || !strings.Contains(ack, "connection_ack") {
		t.Fatalf("%s, %v", ack, err)
	}
	return next
}

// hears opens a stream of events from a server. It returns a function that returns the next
// non-empty line, or "" at the end of the stream.
func (r *running) hears(t *testing.T, key string) (next func() string) {
	t.Helper()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, r.url+"/graphql", strings.NewReader(`{"query":"`+following+`"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + key},
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return func() string {
		for lines.Scan() {
			if text := lines.Text(); len(text) > len(":") && text != "event: next" {
				return text
			}
		}
		return ""
	}
}

// seedCampaign creates a campaign with the id 1 and returns an API key of its owner.
func seedCampaign(t *testing.T, address string) (key string) {
	t.Helper()
	db := testkit.Open(t, address)
	s := apitest.New(t, db)
	owner := s.Account(t)
	_, key, err := s.Services.Accounts.CreateKey(owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Client(owner.Context).
		Campaign.Create().
		SetID(1).SetName("News").SetNameKey("news").SetCreatedAt(store.Now()).
		SetLastActivityAt(store.Now()).
		Exec(owner.Context); err != nil {
		t.Fatal(err)
	}
	return key
}

// TestSubscriptionsEndWithTheServerAndBeginAnewWithTheNext stops a server with subscriptions over
// both transports, changes a campaign, and starts the server again. A client that subscribes again
// receives the current state, so it misses nothing.
func TestSubscriptionsEndWithTheServerAndBeginAnewWithTheNext(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		key := seedCampaign(t, address)
		first := run(t, address, settings(), "  Command")
		overSocket, overEvents := first.follows(t, key), first.hears(t, key)
		for _, got := range []string{mustHear(t, overSocket), overEvents()} {
			if !strings.Contains(got, `"sent":0`) {
				t.Fatalf("began with %q", got)
			}
		}
		if err := first.end(); err != nil {
			t.Errorf("the server ends with %v", err)
		}
		if got, err := overSocket(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("the WebSocket ends with %s, %v", got, err)
		}
		if got := overEvents(); got != "" {
			t.Errorf("the stream ends with %q, as if nothing more were to come", got)
		}

		ctx := caller.System(t.Context())
		if err := testkit.Open(t, address).Client(ctx).Campaign.UpdateOneID(1).SetTotalSent(8).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		second := run(t, address, settings(), "  Command")
		for _, got := range []string{mustHear(t, second.follows(t, key)), second.hears(t, key)()} {
			if !strings.Contains(got, `"sent":8`) {
				t.Errorf("began again with %q", got)
			}
		}
	})
}

// TestServerEndsInTimeThoughAClientDoesNotSayGoodbye opens a WebSocket and never reads it again.
// Closing this WebSocket must not delay the shutdown.
func TestServerEndsInTimeThoughAClientDoesNotSayGoodbye(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	address := "sqlite:" + t.TempDir() + "/test.db"
	key := seedCampaign(t, address)
	server := run(t, address, settings(), "  Command")
	mustHear(t, server.follows(t, key))
	if err := server.end(); err != nil {
		t.Errorf("the server ends with %v", err)
	}
}

func mustHear(t *testing.T, next func() (string, error)) string {
	t.Helper()
	text, err := next()
	if err != nil || !json.Valid([]byte(text)) {
		t.Fatalf("%s, %v", text, err)
	}
	return text
}
