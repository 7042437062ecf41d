package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/config"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// patience is the deadline for expected events. A test that waits longer fails.
const patience = 20 * time.Second

// liveConfig is the configuration of a server that polls often, so that tests do not wait half a
// second.
func liveConfig() config.Config {
	cfg := apitest.Config()
	cfg.LiveInterval = 25 * time.Millisecond
	return cfg
}

// eachLive runs a test against a server with liveConfig on every engine.
func eachLive(t *testing.T, cfg config.Config, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) { test(t, &world{Server: apitest.With(t, db, cfg), db: db}) })
}

// sending creates a campaign that is being sent.
func (w *world) sending(t *testing.T, owner *apitest.Account) *ent.Campaign {
	t.Helper()
	return must(
		w.db.Client(owner.Context).
			Campaign.Create().SetName("News").SetNameKey("news").SetStatus(kind.StatusSending).
			SetStatusRank(kind.StatusSending.Rank()).SetCreatedAt(firstDay).SetLastActivityAt(firstDay).
			Save(owner.Context),
	)(t)
}

// sent sets how many emails of a campaign were sent. It does not change the campaign's version.
func (w *world) sent(t *testing.T, id int64, n int64) {
	t.Helper()
	ctx, client := w.system()
	if err := client.Campaign.Update().Where(campaign.ID(id)).SetTotalSent(n).Exec(ctx); err != nil {
		t.Fatal(err)
	}
}

// subscriptionDocument selects fields that the poller has read.
const subscriptionDocument = `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { deletedId cause campaign { legacyId status version statistics { sent } } } }`

// frame is a message of graphql-transport-ws.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (f frame) String() string { return f.Type + " " + f.ID + " " + string(f.Payload) }

// socket is a WebSocket client.
type socket struct {
	t *testing.T
	*websocket.Conn
	ctx context.Context
}

// dial opens a WebSocket; headers are "Name: value".
func dial(t *testing.T, url string, headers ...string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	conn, response, err := websocket.Dial(ctx, url+"/graphql", dialOptions(headers...))
	if err != nil {
		t.Fatalf("%v: %v", err, response)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t, conn, ctx}
}

func dialOptions(headers ...string) *websocket.DialOptions {
	options := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		options.HTTPHeader.Set(name, value)
	}
	return options
}

// connect opens a WebSocket and sends connection_init with a key.
func connect(t *testing.T, url, key string) *socket {
	t.Helper()
	s := dial(t, url)
	payload := object{}
	if key != "" {
		payload["Authorization"] = "Bearer " + key
	}
	s.send("connection_init", "", payload)
	s.want("connection_ack")
	return s
}

func (s *socket) send(kind, id string, payload any) {
	s.t.Helper()
	text := must(json.Marshal(payload))(s.t)
	s.write(string(must(json.Marshal(frame{id, kind, text}))(s.t)))
}

func (s *socket) write(text string) {
	s.t.Helper()
	if err := s.Write(s.ctx, websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) subscribe(id, document string, variables object) {
	s.t.Helper()
	s.send("subscribe", id, object{"query": document, "variables": variables})
}

func (s *socket) read() (f frame, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	_, text, err := s.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, err
}

// want reads the next message and fails unless it has this type.
func (s *socket) want(kind string) frame {
	s.t.Helper()
	f, err := s.read()
	if err != nil || f.Type != kind {
		s.t.Fatalf("%v, %v, want %s", f, err, kind)
	}
	return f
}

// closed reads until the server closes the connection, and returns the close code.
func (s *socket) closed() websocket.StatusCode {
	s.t.Helper()
	for {
		if _, err := s.read(); err != nil {
			if code := websocket.CloseStatus(err); code != -1 {
				return code
			}
			s.t.Fatal(err)
		}
	}
}

// change is an update of a subscription.
type change struct {
	LegacyID   string
	Status     string
	Version    int
	Statistics struct{ Sent int64 }
}

// told is an update and its cause.
type told struct {
	Campaign  *change
	DeletedID string
	Cause     string
}

func updateOf(t *testing.T, payload []byte) told {
	t.Helper()
	var response struct {
		Data   struct{ CampaignChanged told }
		Errors []apitest.Error
	}
	if err := json.Unmarshal(payload, &response); err != nil || len(response.Errors) > 0 {
		t.Fatalf("%v in %s", err, payload)
	}
	return response.Data.CampaignChanged
}

func (s *socket) next() change {
	s.t.Helper()
	return s.told().state(s.t)
}

func (s *socket) told() told {
	s.t.Helper()
	return updateOf(s.t, s.want("next").Payload)
}

// state returns the campaign, which must not have been deleted.
func (u told) state(t *testing.T) change {
	t.Helper()
	if u.Campaign == nil {
		t.Fatalf("told %v, want a campaign", u)
	}
	return *u.Campaign
}

// stream is a client of server-sent events.
type stream struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
	close    func()
}

// listen posts an operation and accepts only server-sent events.
func listen(t *testing.T, url, key, document string, variables object, headers ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	body := must(json.Marshal(object{"query": document, "variables": variables}))(t)
	request := must(http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body)))(t)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+key)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response := must(http.DefaultClient.Do(request))(t)
	t.Cleanup(func() { _ = response.Body.Close() })
	return &stream{t, response, bufio.NewReader(response.Body), cancel}
}

// event reads the next event. It reports whether there was one before the stream ended.
func (s *stream) event() (name, data string, ok bool) {
	s.t.Helper()
	for {
		line, err := s.lines.ReadString('\n')
		line = strings.TrimSuffix(line, "\n")
		switch {
		case err != nil:
			return "", "", false
		case line == "" && name != "":
			return name, data, true
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data:"):
			data = strings.TrimPrefix(line[len("data:"):], " ")
		}
	}
}

func (s *stream) next() change {
	s.t.Helper()
	return s.told().state(s.t)
}

func (s *stream) told() told {
	s.t.Helper()
	name, data, ok := s.event()
	if !ok || name != "next" {
		s.t.Fatalf("%q %s, want next", name, data)
	}
	return updateOf(s.t, []byte(data))
}

// wantEvent reads an event and returns its data.
func (s *stream) wantEvent(want string) string {
	s.t.Helper()
	name, data, ok := s.event()
	if !ok || name != want {
		s.t.Fatalf("%q %q %v, want %s", name, data, ok, want)
	}
	return data
}

// eventually waits until a condition is true.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
