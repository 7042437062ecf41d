package surface_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/surface"
)

// logged serves requests with an access log and returns the lines of the log.
func logged(
	t *testing.T, which surface.AccessLog, handler http.HandlerFunc, requests ...*http.Request,
) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	server := surface.Identify(surface.Identity{}, surface.Log(log, which, handler))
	for _, r := range requests {
		func() {
			defer func() { _ = recover() }()
			server.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var parsed map[string]any
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, parsed)
	}
	return lines
}

func answer(w http.ResponseWriter, r *http.Request) {
	known := surface.RequestOf(r.Context())
	known.CalledBy(caller.Identity{UserID: 7, KeyID: 3})
	known.Named(r.URL.Path[1:])
	switch r.URL.Path {
	case "/refused":
		surface.Refuse(w, r, slog.New(slog.DiscardHandler), apperr.New(apperr.Denied, "no"))
	case "/code":
		known.FailedWith("13")
		known.FailedWith("14")
	case "/broken":
		panic(http.ErrAbortHandler)
	default:
		_, _ = w.Write([]byte("12345"))
	}
}

func TestOneLineARequestNamesWhatItWas(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequest(
		http.MethodPost, "/fine?APIKey=secret-of-the-query", strings.NewReader("Password=secret-of-the-body"),
	)
	request.Header.Set("Authorization", "Bearer secret-of-the-header")
	request.Header.Set("X-Request-Id", "id-1")
	request.RemoteAddr = "192.0.2.1:1234"
	lines := logged(t, surface.AccessLogAll, answer, request)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	want := map[string]any{
		"level":     "INFO",
		"msg":       "request",
		"method":    "POST",
		"path":      "/fine",
		"operation": "fine",
		"account":   7.0,
		"key":       3.0,
		"status":    200.0,
		"code":      "",
		"bytes":     5.0,
		"client":    "192.0.2.1",
		"requestId": "id-1",
	}
	for name, value := range want {
		if lines[0][name] != value {
			t.Errorf("%s is %v, want %v", name, lines[0][name], value)
		}
	}
	if ms, ok := lines[0]["ms"].(float64); !ok || ms < 0 || ms > 60_000 {
		t.Errorf("ms is %v", lines[0]["ms"])
	}
	if text, _ := json.Marshal(lines); strings.Contains(string(text), "secret") {
		t.Errorf("the log holds a secret: %s", text)
	}
}

func TestOnlyFailuresAreLoggedWhereErrorsAreAskedFor(t *testing.T) {
	t.Parallel()
	var requests []*http.Request
	for _, path := range []string{"/fine", "/refused", "/code", "/broken"} {
		requests = append(requests, httptest.NewRequest(http.MethodGet, path, nil))
	}
	lines := logged(t, surface.AccessLogErrors, answer, requests...)
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3: %v", len(lines), lines)
	}
	for i, want := range []struct {
		path, code string
		status     float64
		broken     any
	}{{"/refused", "FORBIDDEN", 403, nil}, {"/code", "13", 200, nil}, {"/broken", "", 200, true}} {
		got := lines[i]
		if got["path"] != want.path || got["code"] != want.code || got["status"] != want.status ||
			got["broken"] != want.broken {
			t.Errorf("line %d is %v, want %v", i, got, want)
		}
	}
	off := logged(t, surface.AccessLogOff, answer, httptest.NewRequest(http.MethodGet, "/refused", nil))
	if len(off) != 0 {
		t.Errorf("an access log that is off writes %v", off)
	}
}

func TestTheLogDoesNotShowAPathWithASecret(t *testing.T) {
	t.Parallel()
	lines := logged(t, surface.AccessLogAll, func(w http.ResponseWriter, r *http.Request) {
		surface.RequestOf(r.Context()).Conceal("/u/…")
		surface.Recover(slog.New(slog.DiscardHandler), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic("at work")
		})).ServeHTTP(w, r)
	}, httptest.NewRequest(http.MethodPost, "/u/token", nil))
	if len(lines) != 1 || lines[0]["path"] != "/u/…" || lines[0]["status"] != 500.0 {
		t.Errorf("%v", lines)
	}
}
