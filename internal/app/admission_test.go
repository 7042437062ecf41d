package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"campaignql/internal/app"
	"campaignql/internal/config"
	"campaignql/internal/surface"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	kib, mib = 1 << 10, 1 << 20
	// answerWithin is the timeout of a response that should arrive immediately. No test measures
	// with it.
	answerWithin = 20 * time.Second
)

// admitting is a server with limits for request bodies. A test creates its accounts.
type admitting struct {
	*apitest.Server
	address string
}

// patient are limits that allow a slow body without credentials.
var patient = surface.BodyLimits{NamelessTime: time.Hour, NamelessRate: 1}

func newAdmitting(t *testing.T, bodies surface.BodyLimits, change ...func(*config.Config)) *admitting {
	t.Helper()
	cfg := apitest.Config()
	for _, f := range change {
		f(&cfg)
	}
	s := &admitting{Server: apitest.New(t, testkit.Open(t, "sqlite::memory:"))}
	server := httptest.NewServer(app.Handler(s.Services, app.HandlerOptions{
		Config: cfg, Bodies: bodies, Stopping: make(chan struct{}), Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

// request is a request on its own connection.
type request struct {
	target, contentType, key, body string
	// more is the number of bytes that are announced in addition to body but never sent.
	more int
}

// send sends a request and does not wait for the response.
func (s *admitting) send(t *testing.T, r request) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var head bytes.Buffer
	fmt.Fprintf(
		&head, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n", r.target,
		r.contentType, len(r.body)+r.more,
	)
	if r.key != "" {
		fmt.Fprintf(&head, "Authorization: Bearer %s\r\n", r.key)
	}
	head.WriteString("\r\n" + r.body)
	// A server that rejects the request may close the connection before it has read the whole body.
	_, _ = conn.Write(head.Bytes())
	return conn
}

// readAnswer reads the response to a request.
func readAnswer(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(answerWithin))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func (s *admitting) ask(t *testing.T, r request) (*http.Response, string) {
	t.Helper()
	return readAnswer(t, s.send(t, r))
}

// form returns the form of a command that every account may call, of approximately the given size,
// with the given end.
func form(size int, end string) string {
	return "Command=Tags.Get&HTMLContent=" + strings.Repeat("%41", size/3) + end
}

const succeeded = `{"Success":true`

// fill sends requests whose bodies never end, until a complete request of the same kind is rejected
// with the given status and text. It sends another endless one after each attempt, because an
// earlier one may have been rejected too.
func (s *admitting) fill(t *testing.T, r request, status int, says string) {
	t.Helper()
	for deadline := time.Now().Add(answerWithin); ; {
		response, body := s.ask(t, r)
		if response.StatusCode == status && response.Header.Get("Retry-After") == "1" && strings.Contains(body, says) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not refused with %d in time: %d %s", status, response.StatusCode, body)
		}
		endless := r
		endless.more = 100 * kib
		s.send(t, endless)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(answerWithin); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not so in time: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestLargeBodiesWithoutCredentialsAreFewAndKeepNobodyElseOut(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newAdmitting(t, patient)
	ann := s.Account(t)
	unknown := "cq_" + strings.Repeat("a", 52)
	s.fill(
		t, request{target: "/api.php", contentType: formType, body: form(100*kib, "")}, http.StatusServiceUnavailable,
		"without credentials",
	)
	for name, r := range map[string]request{
		"a form":                            {target: "/api.php", contentType: formType, body: form(100*kib, ""), more: 9 * mib},
		"a form with an unknown key":        {target: "/api.php", contentType: formType, body: form(100*kib, "&APIKey="+unknown+"&x="), more: 9 * mib},
		"a form with an unknown URL key":    {target: "/api.php?APIKey=" + unknown, contentType: formType, body: form(100*kib, ""), more: 9 * mib},
		"a form with an unknown header":     {target: "/api.php", contentType: formType, key: unknown, body: form(100*kib, ""), more: 9 * mib},
		"JSON over the bridge":              {target: "/command", contentType: jsonType, body: `{"a":"` + strings.Repeat("x", 100*kib), more: 9 * mib},
		"GraphQL":                           {target: "/graphql", contentType: jsonType, body: `{"query":"` + strings.Repeat(" ", 100*kib), more: 500 * kib},
		"GraphQL with an unknown key":       {target: "/graphql", contentType: jsonType, key: unknown, body: strings.Repeat(" ", 100*kib), more: 500 * kib},
		"a whole form, without credentials": {target: "/api.php", contentType: formType, body: form(100*kib, "")},
	} {
		response, body := s.ask(t, r)
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "1" ||
			!strings.Contains(
				body, "he server has as many requests with large bodies and without credentials under way as it may",
			) {
			t.Errorf("%s: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	for name, r := range map[string]request{
		"a key in the header":                {target: "/api.php", contentType: formType, key: ann.Key, body: form(5*mib, "")},
		"a key in the URL":                   {target: "/api.php?apikey=" + ann.Key, contentType: formType, body: form(5*mib, "")},
		"a key at the beginning of the body": {target: "/api.php", contentType: formType, body: "APIKey=" + ann.Key + "&" + form(5*mib, "")},
		"a key at the beginning of JSON": {target: "/api.php", contentType: jsonType,
			body: `{"APIKey":"` + ann.Key + `","Command":"Tags.Get","x":"` + strings.Repeat("x", mib) + `"}`},
		"a small form": {target: "/api.php", contentType: formType, body: form(30*kib, "&APIKey="+ann.Key)},
	} {
		if response, body := s.ask(t, r); response.StatusCode != http.StatusOK || !strings.HasPrefix(body, succeeded) {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
	query := `{"query":"{ campaignCounts { total } }"` + strings.Repeat(" ", 200*kib) + `}`
	asked := request{target: "/graphql", contentType: jsonType, key: ann.Key, body: query}
	if response, body := s.ask(t, asked); !strings.Contains(body, `"total":0`) {
		t.Errorf("GraphQL with a key: %d %s", response.StatusCode, body)
	}
}

func TestAKeyMayBeAnywhereInALargeBody(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newAdmitting(t, surface.BodyLimits{})
	ann := s.Account(t)
	multipart := func(fields ...string) string {
		var out strings.Builder
		for i := 0; i < len(fields); i += 2 {
			fmt.Fprintf(&out, "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", fields[i], fields[i+1])
		}
		return out.String() + "--b--\r\n"
	}
	text := strings.Repeat("x", 5*mib)
	// The key crosses the end of the free part, or of the first chunk after it, at every possible
	// offset.
	for _, end := range []int{surface.FreeBody, surface.FreeBody + 1, 2*surface.FreeBody + 1} {
		for before := 0; before <= len(ann.Key); before += 11 {
			head := "Command=Tags.Get&x="
			padding := strings.Repeat("x", end-len(head)-len("&APIKey=")-before)
			body := head + padding + "&APIKey=" + ann.Key + "&y=" + strings.Repeat("y", 100*kib)
			asked := request{target: "/api.php", contentType: formType, body: body}
			if response, got := s.ask(t, asked); !strings.HasPrefix(got, succeeded) {
				t.Errorf("a key %d bytes before byte %d: %d %s", before, end, response.StatusCode, got)
			}
		}
	}
	for name, r := range map[string]request{
		"at the very end of a form":    {contentType: formType, body: form(5*mib, "&APIKey="+ann.Key)},
		"encoded, at the end":          {contentType: formType, body: form(5*mib, "&%41PIKey="+strings.ReplaceAll(ann.Key, "_", "%5F"))},
		"after an unknown one":         {contentType: formType, body: "APIKey=cq_" + strings.Repeat("b", 52) + "&" + form(5*mib, "&APIKey="+ann.Key)},
		"at the end of JSON":           {contentType: jsonType, body: `{"Command":"Tags.Get","x":"` + text + `","APIKey":"` + ann.Key + `"}`},
		"at the end of multipart":      {contentType: "multipart/form-data; boundary=b", body: multipart("Command", "Tags.Get", "x", text, "APIKey", ann.Key)},
		"an unknown one in the header": {contentType: formType, key: "cq_" + strings.Repeat("c", 52), body: form(5*mib, "&AdminAPIKey="+ann.Key)},
	} {
		r.target = "/api.php"
		if response, got := s.ask(t, r); response.StatusCode != http.StatusOK || !strings.HasPrefix(got, succeeded) {
			t.Errorf("%s: %d %.300s", name, response.StatusCode, got)
		}
	}
}

// TestALargeBodyIsAuthenticatedOnce checks that a large body causes as many SQL statements as a
// small one.
func TestALargeBodyIsAuthenticatedOnce(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := apitest.New(t, testkit.Open(t, "sqlite::memory:"))
	ann := s.Account(t)
	a := &admitting{Server: s, address: strings.TrimPrefix(s.URL, "http://")}
	for name, of := range map[string]func(size int) request{
		"by the header":                func(n int) request { return request{target: "/api.php", key: ann.Key, body: form(n, "")} },
		"by the URL":                   func(n int) request { return request{target: "/api.php?APIKey=" + ann.Key, body: form(n, "")} },
		"by the beginning of the body": func(n int) request { return request{target: "/api.php", body: "APIKey=" + ann.Key + "&" + form(n, "")} },
		"by the end of the body":       func(n int) request { return request{target: "/api.php", body: form(n, "&APIKey="+ann.Key)} },
		"by the end, twice": func(n int) request {
			return request{target: "/api.php", body: "APIKey=" + ann.Key + "&" + form(n, "&APIKey="+ann.Key)}
		},
		"by the header of GraphQL": func(n int) request {
			return request{target: "/graphql", key: ann.Key, body: `{"query":"{ campaignCounts { total } }"` + strings.Repeat(" ", n) + `}`}
		},
	} {
		count := func(size int) int {
			r := of(size)
			if r.contentType = formType; r.target == "/graphql" {
				r.contentType = jsonType
			}
			return len(s.Record(func() {
				if response, body := a.ask(t, r); response.StatusCode != http.StatusOK ||
					strings.Contains(body, "rror\":") {
					t.Errorf("%s: %d %s", name, response.StatusCode, body)
				}
			}))
		}
		small := count(10)
		if large := count(300 * kib); large != small || small == 0 {
			t.Errorf("%s: %d statements for a large body, %d for a small one", name, large, small)
		}
	}
}

// steadily sends a body without credentials in parts with pauses, but faster than the required
// rate.
func (s *admitting) steadily(t *testing.T) {
	t.Helper()
	whole := form(300*kib, "")
	first, rest := whole[:100*kib], whole[100*kib:]
	conn := s.send(t, request{target: "/api.php", contentType: formType, body: first, more: len(rest)})
	for len(rest) > 0 {
		time.Sleep(30 * time.Millisecond)
		part := rest[:min(10*kib, len(rest))]
		if _, err := io.WriteString(conn, part); err != nil {
			t.Fatal(err)
		}
		rest = rest[len(part):]
	}
	if response, body := readAnswer(t, conn); response.StatusCode == http.StatusRequestTimeout {
		t.Errorf("a body that comes fast enough is refused: %s", body)
	}
}

func TestABodyWithoutCredentialsMustComeFast(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	for name, limits := range map[string]surface.BodyLimits{
		"in all":    {NamelessTime: 200 * time.Millisecond, NamelessRate: 1},
		"at a rate": {NamelessTime: time.Hour, NamelessRate: 1 << 20},
		"at a rate of less than is read at a time": {NamelessTime: time.Hour, NamelessRate: 50 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAdmitting(t, limits)
			ann := s.Account(t)
			slow := request{target: "/api.php", contentType: formType, body: form(100*kib, ""), more: 100 * kib}
			response, body := s.ask(t, slow)
			if response.StatusCode != http.StatusRequestTimeout ||
				!strings.Contains(body, "The body came too slowly") ||
				!response.Close {
				t.Errorf("over the bridge: %d %s", response.StatusCode, body)
			}
			slow = request{
				target: "/graphql", contentType: jsonType, body: strings.Repeat(" ", 100*kib), more: 100 * kib,
			}
			if response, body = s.ask(t, slow); response.StatusCode != http.StatusRequestTimeout ||
				!strings.Contains(body, `"code":"REQUEST_TIMEOUT"`) {
				t.Errorf("over GraphQL: %d %s", response.StatusCode, body)
			}
			if limits.NamelessTime == time.Hour { // a body just above the required rate
				s.steadily(t)
			}
			// A body with a key may be slow: its rest is sent after other bodies were rejected.
			whole := form(200*kib, "")
			conn := s.send(
				t,
				request{
					target: "/api.php", contentType: formType, key: ann.Key, body: whole[:100*kib],
					more: len(whole) - 100*kib,
				},
			)
			s.ask(t, request{target: "/api.php", contentType: formType, body: form(100*kib, ""), more: 100 * kib})
			if _, err := io.WriteString(conn, whole[100*kib:]); err != nil {
				t.Fatal(err)
			}
			if response, body := readAnswer(t, conn); !strings.HasPrefix(body, succeeded) {
				t.Errorf("with a key: %d %s", response.StatusCode, body)
			}
		})
	}
}

func TestAnAccountHasItsOwnPlacesForLargeBodies(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newAdmitting(t, patient)
	ann, ben := s.Account(t), s.Account(t)
	large := func(key string, more int) request {
		return request{target: "/api.php", contentType: formType, key: key, body: form(100*kib, ""), more: more}
	}
	s.fill(t, large(ann.Key, 0), http.StatusTooManyRequests, "large bodies under way")
	for name, r := range map[string]request{
		"by the header":          large(ann.Key, 100*kib),
		"over GraphQL":           {target: "/graphql", contentType: jsonType, key: ann.Key, body: strings.Repeat(" ", 100*kib), more: 100 * kib},
		"by the end of the body": {target: "/api.php", contentType: formType, body: form(100*kib, "&%41PIKey="+strings.ReplaceAll(ann.Key, "_", "%5F"))},
	} {
		response, body := s.ask(t, r)
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "1" ||
			!strings.Contains(body, "he account has as many requests with large bodies under way as it may") {
			t.Errorf("%s: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	if response, body := s.ask(t, large(ben.Key, 0)); !strings.HasPrefix(body, succeeded) {
		t.Errorf("another account: %d %s", response.StatusCode, body)
	}
}

// TestMemoryOfBodiesIsBoundedByBytes fills the memory with large bodies, fewer than the number of
// places.
func TestMemoryOfBodiesIsBoundedByBytes(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	limits := patient
	limits.Memory = 16 * mib // 8 for an account, 4 without credentials
	s := newAdmitting(t, limits)
	ann, ben := s.Account(t), s.Account(t)
	body := form(3*mib, "")
	s.fill(
		t, request{target: "/api.php", contentType: formType, body: body}, http.StatusServiceUnavailable,
		"bytes of request bodies without credentials",
	)
	s.fill(
		t, request{target: "/api.php", contentType: formType, key: ann.Key, body: body}, http.StatusTooManyRequests,
		"bytes of request bodies under way",
	)
	other := request{target: "/api.php", contentType: formType, key: ben.Key, body: body}
	if response, got := s.ask(t, other); !strings.HasPrefix(got, succeeded) {
		t.Errorf("another account: %d %s", response.StatusCode, got)
	}
}

func TestStreamsOfEventsHavePlaces(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newAdmitting(t, patient, func(cfg *config.Config) { cfg.MaxStreams, cfg.MaxAccountStreams = 3, 2 })
	ann, ben, eve := s.Account(t), s.Account(t), s.Account(t)
	open := func(key string) (*http.Response, net.Conn) {
		conn := s.send(
			t, request{target: "/events", contentType: "application/x-ndjson", key: key, body: "\n", more: 100 * mib},
		)
		_ = conn.SetReadDeadline(time.Now().Add(answerWithin))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return response, conn
	}
	var held []net.Conn
	for _, key := range []string{ann.Key, ann.Key, ben.Key} {
		response, conn := open(key)
		if held = append(held, conn); response.StatusCode != http.StatusOK {
			t.Fatalf("a stream is answered %d", response.StatusCode)
		}
	}
	for _, tt := range []struct {
		key    string
		status int
		says   string
	}{
		{ann.Key, http.StatusTooManyRequests, "the account has as many streams of events under way as it may"},
		{eve.Key, http.StatusServiceUnavailable, "the server has as many streams of events under way as it may"},
		{"", http.StatusUnauthorized, `"code":"UNAUTHENTICATED"`},
	} {
		response, body := s.ask(
			t,
			request{target: "/events", contentType: "application/x-ndjson", key: tt.key, body: "\n", more: 100 * mib},
		)
		if response.StatusCode != tt.status || !strings.Contains(body, tt.says) ||
			(response.Header.Get("Retry-After") == "1") != (tt.key != "") {
			t.Errorf("%d %v %s", response.StatusCode, response.Header, body)
		}
	}
	held[0].Close()
	eventually(t, "the place of a stream that ended is free", func() bool {
		response, conn := open(eve.Key)
		conn.Close()
		return response.StatusCode == http.StatusOK
	})
}

// TestLookingUpCredentialsEndsInTime keeps all connections to the database in use.
func TestLookingUpCredentialsEndsInTime(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	cfg := apitest.Config()
	cfg.Timeout = 500 * time.Millisecond
	db := testkit.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "busy.db"))
	s := apitest.With(t, db, cfg)
	ann := s.Account(t)
	a := &admitting{Server: s, address: strings.TrimPrefix(s.URL, "http://")}
	for _, pool := range db.Pools() {
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
	}
	for name, r := range map[string]request{
		"a large command": {target: "/api.php", contentType: formType, key: ann.Key, body: form(100*kib, ""), more: 100 * kib},
		"GraphQL":         {target: "/graphql", contentType: jsonType, key: ann.Key, body: strings.Repeat(" ", 100*kib), more: 100 * kib},
		"events":          {target: "/events", contentType: "application/x-ndjson", key: ann.Key, body: "{}\n", more: kib},
	} {
		begun := time.Now()
		if response, body := a.ask(t, r); response.StatusCode != http.StatusServiceUnavailable ||
			time.Since(begun) > answerWithin/2 {
			t.Errorf("%s: %d %s after %s", name, response.StatusCode, body, time.Since(begun))
		}
	}
}
