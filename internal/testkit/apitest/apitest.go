// Package apitest runs the whole server for tests of its surfaces: real HTTP over a real database.
// Only tests import it.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/kind"
	"campaignql/internal/live"
	"campaignql/internal/secret"
	"campaignql/internal/store"
)

// Server is a server over one database.
type Server struct {
	URL      string
	Services *app.Services
	// Stop makes the server stop as a signal would: subscriptions end.
	Stop func()
	// recorder, if not nil, records the SQL of the requests; see Record.
	recorder *store.Recorder
}

// cheap are parameters for password hashes that are fast to compute.
var cheap = account.Argon2{MemoryKiB: 64, Time: 1, Threads: 1}

// Config returns the configuration of a server in tests.
func Config() config.Config {
	return config.Config{Timeout: 30 * time.Second, Explorer: true, Introspection: true, LoginFailures: 10}
}

// New starts a server. The server stops when the test ends.
func New(t testing.TB, db *store.Store) *Server {
	t.Helper()
	return With(t, db, Config())
}

// With starts a server with the given configuration. change modifies the options of its domains,
// such as the clock.
func With(t testing.TB, db *store.Store, cfg config.Config, change ...func(*app.ServiceOptions)) *Server {
	t.Helper()
	known, err := secret.Parse("secret-of-the-installation-of-tests")
	if err != nil {
		t.Fatal(err)
	}
	opts := app.ServiceOptions{
		Secret:  known,
		Account: account.Options{Passwords: cheap},
		Live:    live.Options{Interval: cfg.LiveInterval, PerAccount: cfg.MaxSubscriptions},
	}
	for _, f := range change {
		f(&opts)
	}
	operations, err := app.ReadOperations(cfg)
	if err != nil {
		t.Fatal(err)
	}
	services := app.NewServices(db, opts)
	stopping := make(chan struct{})
	s := &Server{Services: services, Stop: sync.OnceFunc(func() { close(stopping) })}
	handler := app.Handler(services, app.HandlerOptions{
		Config: cfg, Stopping: stopping, Operations: operations,
		Logger: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.recorder != nil {
			r = r.WithContext(store.WithRecorder(r.Context(), s.recorder))
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(s.Stop)
	s.URL = server.URL
	return s
}

type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("log: %s", bytes.TrimSpace(line))
	return len(line), nil
}

// Record returns the SQL statements that run during do.
func (s *Server) Record(do func()) []store.Statement {
	s.recorder = new(store.Recorder)
	do()
	statements := s.recorder.Statements()
	s.recorder = nil
	return statements
}

// Account is a user with an API key that has every scope.
type Account struct {
	User *ent.User
	Key  string
	// Context has the user as its caller, for fixtures that are created through the domains.
	Context context.Context
}

// Account creates an account with a random name.
func (s *Server) Account(t testing.TB, change ...func(*account.NewUser)) *Account {
	t.Helper()
	name := "user" + randomText()
	in := account.NewUser{
		Username: name, Email: name + "@example.com", Password: "correct horse", Role: kind.RoleUser,
		Reputation: kind.ReputationTrusted, TimeZone: "UTC", Sender: kind.SenderExternal,
	}
	for _, f := range change {
		f(&in)
	}
	user, key, err := s.Services.Accounts.CreateUser(caller.System(t.Context()), in)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Services.Accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceGraphQL)
	if err != nil {
		t.Fatal(err)
	}
	return &Account{User: user, Key: key, Context: caller.With(context.Background(), id)}
}

func randomText() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b strings.Builder
	for range 12 {
		b.WriteByte(letters[rand.IntN(len(letters))])
	}
	return b.String()
}

// Response is a response of GraphQL.
type Response struct {
	Status     int
	Data       map[string]any `json:"data"`
	Errors     []Error        `json:"errors"`
	Extensions map[string]any `json:"extensions"`
	Body       string         `json:"-"`
}

type Error struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

// Code returns extensions.code of the error.
func (e Error) Code() string {
	code, _ := e.Extensions["code"].(string)
	return code
}

// Query runs a document as the owner of the key. If key is empty, the request has no credentials.
func (s *Server) Query(t *testing.T, key, document string, variables map[string]any) *Response {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := &Response{Status: response.StatusCode, Body: string(text)}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// MustQuery is Query, but fails the test if the response has errors.
func (s *Server) MustQuery(t *testing.T, key, document string, variables map[string]any) map[string]any {
	t.Helper()
	response := s.Query(t, key, document, variables)
	if len(response.Errors) > 0 {
		t.Fatalf("%s\n%s", document, response.Body)
	}
	return response.Data
}

// Command posts a command as a form, and returns the status and the body of the response.
func (s *Server) Command(t *testing.T, parameters url.Values) (int, string) {
	t.Helper()
	response, err := http.PostForm(s.URL+"/api.php", parameters)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// At returns the value at a path of keys and indexes in a response: At(data, "campaign", "tags", 0,
// "name").
func At(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, ok := value.(map[string]any)
			if !ok {
				t.Fatalf("no object at %v: %v", path, value)
			}
			value = object[step]
		case int:
			list, ok := value.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("no element %d at %v: %v", step, path, value)
			}
			value = list[step]
		}
	}
	return value
}
