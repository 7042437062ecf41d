package graph_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestBothSurfacesAskForARetryAfterATimeout checks that GraphQL answers with the same status and
// the same Retry-After as the bridge.
func TestBothSurfacesAskForARetryAfterATimeout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := w.Account(t).Key
		cfg := apitest.Config()
		cfg.Timeout = time.Nanosecond
		wantRetry(t, apitest.With(t, w.db, cfg), key, "CANCELED")
	})
}

// TestBothSurfacesAskForARetryWithoutTheDatabase needs a database that can be cut off, so it does
// not run on SQLite.
func TestBothSurfacesAskForARetryWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		at := must(url.Parse(address))(t)
		if at.Scheme != "mysql" {
			return
		}
		way := cutOff(t, at.Host)
		at.Host = way.address
		db := must(store.Open(t.Context(), at.String(), store.Options{}))(t)
		t.Cleanup(func() { _ = db.Close() })
		must(db.Migrate(t.Context()))(t)
		s := apitest.With(t, db, apitest.Config())
		key := s.Account(t).Key
		way.cut()
		wantRetry(t, s, key, "UNAVAILABLE")
	})
}

// wantRetry checks that requests with a key are answered with the code, status 503, and one second
// to wait.
func wantRetry(t *testing.T, s *apitest.Server, key, code string) {
	t.Helper()
	ask := func(path, contentType, body string) (after, text string) {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body)))(t)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer "+key)
		response := must(http.DefaultClient.Do(r))(t)
		defer response.Body.Close()
		return fmt.Sprint(response.StatusCode, " ", response.Header.Get("Retry-After")),
			string(must(io.ReadAll(response.Body))(t))
	}
	for _, document := range []string{
		`{ tags { totalCount } }`, `mutation { createTag(input: {name: "a"}) { tag { id } } }`,
	} {
		after, body := ask("/graphql", "application/json", fmt.Sprintf(`{"query":%q}`, document))
		if after != "503 1" || !strings.Contains(body, `"code":"`+code+`"`) ||
			!strings.Contains(body, `"retryAfterSeconds":1`) {
			t.Errorf("GraphQL: %s %s", after, body)
		}
	}
	after, body := ask("/api.php", "application/x-www-form-urlencoded", "Command=Tags.Get")
	if after != "503 1" || !strings.Contains(body, `"ErrorCode":100005`) {
		t.Errorf("the bridge: %s %s", after, body)
	}
}

// connections forwards TCP connections to a server until it is cut.
type connections struct {
	address string
	cut     func()
}

// cutOff returns connections to a server.
func cutOff(t *testing.T, server string) connections {
	t.Helper()
	ctx, cut := context.WithCancel(context.Background())
	t.Cleanup(cut)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			end := func() { _, _ = near.Close(), far.Close() }
			context.AfterFunc(ctx, end)
			go func() { defer end(); _, _ = io.Copy(far, near) }()
			go func() { defer end(); _, _ = io.Copy(near, far) }()
		}
	}()
	return connections{listener.Addr().String(), cut}
}
