package app_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"campaignql/internal/config"
	"campaignql/internal/testkit"
)

// TestRequestsOfAnAccountAreBoundedOnEverySurface keeps a stream of events open, which uses the
// only place of its account.
func TestRequestsOfAnAccountAreBoundedOnEverySurface(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newAdmitting(t, patient, func(cfg *config.Config) { cfg.MaxRequests, cfg.MaxAccountRequests = 2, 1 })
	ann, ben, eve := s.Account(t), s.Account(t), s.Account(t)
	stream := func(key string) request {
		return request{target: "/events", contentType: "application/x-ndjson", key: key, body: "\n", more: 100 * mib}
	}
	hold := func(key string) {
		for { // the request over a WebSocket before may still be under way after its first message
			conn := s.send(t, stream(key))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil && response.StatusCode == http.StatusOK {
				return
			}
			if err != nil || response.StatusCode != http.StatusTooManyRequests {
				t.Fatalf("a stream is not begun: %v %v", response, err)
			}
		}
	}
	query := `{"query":"{ campaignCounts { total } }"}`
	surfaces := func(key string) map[string]request {
		return map[string]request{
			"GraphQL":           {target: "/graphql", contentType: jsonType, key: key, body: query},
			"a command":         {target: "/api.php", contentType: formType, key: key, body: form(100, "")},
			"a key in the body": {target: "/command", contentType: formType, body: form(100, "&APIKey="+key)},
			"events":            stream(key),
		}
	}
	hold(ann.Key)
	for name, r := range surfaces(ann.Key) {
		response, body := s.ask(t, r)
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "1" ||
			!strings.Contains(body, "he account has as many requests under way as it may") {
			t.Errorf("%s: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	if text := s.overSocket(t, ann.Key); !strings.Contains(text, `"code":"RATE_LIMITED"`) {
		t.Errorf("over a WebSocket: %s", text)
	}
	if response, body := s.ask(t, surfaces(ben.Key)["GraphQL"]); !strings.Contains(body, `"total":0`) {
		t.Errorf("another account: %d %s", response.StatusCode, body)
	}
	if text := s.overSocket(t, ben.Key); !strings.Contains(text, `"total":0`) {
		t.Errorf("another account over a WebSocket: %s", text)
	}
	hold(ben.Key)
	for name, r := range surfaces(eve.Key) {
		response, body := s.ask(t, r)
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "1" {
			t.Errorf("%s of a third account: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	login := request{target: "/api.php", contentType: formType, body: "Command=User.Login&Username=x&Password=y"}
	if response, body := s.ask(t, login); response.StatusCode != http.StatusOK {
		t.Errorf("a login meanwhile: %d %s", response.StatusCode, body)
	}
}

// overSocket runs a query over a WebSocket and returns its first message.
func (s *admitting) overSocket(t *testing.T, key string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+s.address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	var text []byte
	for _, message := range []string{
		`{"type":"connection_init","payload":{"apiKey":"` + key + `"}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"{ campaignCounts { total } }"}}`,
	} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, text, err = conn.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return string(text)
}
