package graph_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"campaignql/internal/app"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

func TestAServerAndAnAccountHaveSoManyWebSockets(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := apitest.Config()
	cfg.MaxSockets, cfg.MaxAccountSockets = 2, 1
	w := &world{Server: apitest.With(t, db, cfg), db: db}
	ann, ben, eve := w.Account(t), w.Account(t), w.Account(t)
	first := connect(t, w.URL, ann.Key)
	connect(t, w.URL, "") // without a caller, so it takes no place of an account
	refused := func(key, want string) {
		t.Helper()
		s := dial(t, w.URL)
		s.send("connection_init", "", object{"apiKey": key})
		_, err := s.read()
		var closing websocket.CloseError
		if !errors.As(err, &closing) || closing.Code != websocket.StatusTryAgainLater ||
			!strings.Contains(closing.Reason, want) {
			t.Errorf("a connection too many ends with %v", err)
		}
	}
	refused(ann.Key, "the account has as many WebSockets under way as it may")
	connect(t, w.URL, ben.Key)
	refused(eve.Key, "the server has as many WebSockets under way as it may")

	_ = first.Close(websocket.StatusNormalClosure, "")
	eventually(t, "the places of a connection that has ended are free", func() bool {
		conn, _, err := websocket.Dial(t.Context(), w.URL+"/graphql", dialOptions())
		if err != nil {
			return false
		}
		defer func() { _ = conn.CloseNow() }()
		s := &socket{t, conn, t.Context()}
		s.send("connection_init", "", object{"apiKey": ann.Key})
		f, err := s.read()
		return err == nil && f.Type == "connection_ack"
	})
}

func TestAServerAndAnAccountHaveSoManyDownloads(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	w := &world{Server: apitest.New(t, db), db: db}
	ann, ben, eve := w.Account(t), w.Account(t), w.Account(t)
	cfg := apitest.Config()
	cfg.MaxDownloads, cfg.MaxAccountDownloads = 2, 1
	handler := app.Handler(w.Services, app.HandlerOptions{Config: cfg, Stopping: make(chan struct{})})
	held, hold := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Slow") != "" {
			rw = &choked{ResponseWriter: rw, then: func() {
				held <- struct{}{}
				<-hold
			}}
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	file := map[*apitest.Account]string{}
	for _, a := range []*apitest.Account{ann, ben, eve} {
		file[a] = server.URL + "/export/campaigns/" + number(w.active(t, a, 3).ID) + "/activity.csv"
	}
	ask := func(a *apitest.Account, method, slow string) (*http.Response, string) {
		request := must(http.NewRequestWithContext(t.Context(), method, file[a], nil))(t)
		request.Header.Set("Authorization", "Bearer "+a.Key)
		request.Header.Set("X-Slow", slow)
		response := must(http.DefaultClient.Do(request))(t)
		defer response.Body.Close()
		return response, string(must(io.ReadAll(response.Body))(t))
	}
	whole := make(chan int)
	for _, a := range []*apitest.Account{ann, ben} {
		go func() {
			_, body := ask(a, http.MethodGet, "yes")
			whole <- strings.Count(body, "\n")
		}()
		<-held
	}
	for name, tt := range map[string]struct {
		of     *apitest.Account
		status int
		want   string
	}{
		"of an account that has one":          {ann, http.StatusTooManyRequests, `"message":"the account has as many downloads under way as it may: let one end first"}`},
		"of another, when the server is full": {eve, http.StatusServiceUnavailable, `"message":"the server has as many downloads under way as it may: try again"}`},
	} {
		response, body := ask(tt.of, http.MethodGet, "")
		if response.StatusCode != tt.status || response.Header.Get("Retry-After") != "1" ||
			!strings.Contains(body, tt.want) ||
			response.Header.Get("Content-Disposition") != "" {
			t.Errorf("a download %s: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	if response, _ := ask(eve, http.MethodHead, ""); response.StatusCode != http.StatusOK {
		t.Errorf("HEAD is answered %d", response.StatusCode)
	}
	close(hold)
	for range 2 {
		if lines := <-whole; lines != 4 {
			t.Errorf("a file of %d lines", lines)
		}
	}
	if response, _ := ask(ann, http.MethodGet, ""); response.StatusCode != http.StatusOK {
		t.Errorf("after the others have ended: %d", response.StatusCode)
	}
}
