package app_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"campaignql/internal/config"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// friend is the origin that the servers of these tests allow.
const friend = "https://app.example.com"

func friendly(c *config.Config) { c.CORSOrigins = []string{"https://other.example.com", friend} }

func TestOnlyPagesOfConfiguredOriginsMayReadAnswers(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	some, none := onSQLite(t, friendly), onSQLite(t)
	for _, path := range []string{"/graphql", "/api.php", "/command"} {
		tests := []struct {
			name, url, origin, want string
		}{
			{"a configured origin", some.URL, friend, friend},
			{"another origin", some.URL, "https://evil.example.com", ""},
			{"a longer origin", some.URL, friend + ".evil.example.com", ""},
			{"an origin in capitals", some.URL, strings.ToUpper(friend), ""},
			{"the origin of a file", some.URL, "null", ""},
			{"no origin", some.URL, "", ""},
			{"an origin when none is configured", none.URL, friend, ""},
		}
		for _, test := range tests {
			t.Run(path+" to "+test.name, func(t *testing.T) {
				t.Parallel()
				var headers []string
				if test.origin != "" {
					headers = []string{"Origin: " + test.origin}
				}
				got := do(t, http.MethodGet, test.url+path+"?query={__typename}", "", headers...)
				if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != test.want {
					t.Errorf("an answer is for %q, want %q", allowed, test.want)
				}
				vary := strings.Join(got.header.Values("Vary"), ",")
				if varies := strings.Contains(vary, "Origin"); varies != (test.url == some.URL) {
					t.Errorf("Vary is %q", got.header.Values("Vary"))
				}
				asked := do(
					t,
					http.MethodOptions,
					test.url+path,
					"",
					append(
						headers, "Access-Control-Request-Method: POST",
						"Access-Control-Request-Headers: apollographql-client-name,authorization,traceparent",
					)...)
				if allowed := asked.header.Get("Access-Control-Allow-Origin"); allowed != test.want {
					t.Errorf("a preflight is for %q, want %q", allowed, test.want)
				}
				permits := asked.header.Get("Access-Control-Allow-Methods") == "GET, POST" &&
					asked.header.Get(
						"Access-Control-Allow-Headers",
					) == "apollographql-client-name,authorization,traceparent"
				if permits != (test.want != "") || test.want != "" && asked.status != http.StatusNoContent {
					t.Errorf("a preflight answers %d %v", asked.status, asked.header)
				}
				for _, answer := range []http.Header{got.header, asked.header} {
					if answer.Get("Access-Control-Allow-Credentials") != "" {
						t.Error("credentials of the browser are allowed")
					}
				}
			})
		}
	}
}

func TestPagesOfThisMachineMayCallADemo(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	demo, other := onSQLite(t, func(c *config.Config) { c.Demo = true }), onSQLite(t)
	for origin, local := range map[string]bool{
		"http://localhost:5173": true, "http://localhost": true, "http://127.0.0.1:3000": true, "https://localhost:5173": false, "http://localhost.example.com": false,
		"http://localhost:5173/path": false, "http://ann@localhost:5173": false, "http://[::1]:5173": false, "null": false,
	} {
		for _, s := range []*apitest.Server{demo, other} {
			allowed := local && s == demo
			got := post(t, s, `{ __typename }`, "Origin: "+origin, "Sec-Fetch-Site: cross-site")
			if (got.status == http.StatusOK) != allowed ||
				(got.header.Get("Access-Control-Allow-Origin") == origin) != allowed {
				t.Errorf("%s, allowed %v: %d %v", origin, allowed, got.status, got.header)
			}
		}
	}
}

func TestGzipIsPreferredToZstd(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := onSQLite(t, func(c *config.Config) { c.Explorer = true })
	account := s.Account(t)
	for accepted, want := range map[string]string{
		"gzip, deflate, br, zstd": "gzip", "zstd, gzip": "gzip", "zstd": "zstd", "zstd;q=1, gzip;q=0.5": "zstd", "identity": "",
	} {
		query := `{"query":"{ __schema { types { name description } } }"}`
		got := do(
			t, http.MethodPost, s.URL+"/graphql", query, "Content-Type: application/json", "Accept-Encoding: "+accepted,
		)
		if coding := got.header.Get("Content-Encoding"); coding != want {
			t.Errorf("GraphQL to %q: %q, want %q", accepted, coding, want)
		}
		got = do(
			t, http.MethodGet,
			s.URL+"/api.php?Command=User.Login&APIKey="+account.Key+"&Pad="+strings.Repeat("x", 2000), "",
			"Accept-Encoding: "+accepted,
		)
		if coding := got.header.Get("Content-Encoding"); coding == "zstd" && want != "zstd" {
			t.Errorf("the bridge to %q: %q", accepted, coding)
		}
		page := do(t, http.MethodGet, s.URL+"/", "", "Accept-Encoding: "+accepted)
		if coding := page.header.Get("Content-Encoding"); coding != "" && coding != "gzip" {
			t.Errorf("the explorer to %q: %q", accepted, coding)
		}
	}
}

// TestABrowserBehindAProxyIsOnTheSameOrigin sends the original host in X-Forwarded-Host, because
// the proxy changes Host and some browsers send no Sec-Fetch-Site.
func TestABrowserBehindAProxyIsOnTheSameOrigin(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	trusting := onSQLite(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1", "::1"} })
	other := onSQLite(t)
	for s, want := range map[*apitest.Server]int{trusting: http.StatusOK, other: http.StatusForbidden} {
		got := post(t, s, `{ __typename }`, "Origin: https://mail.example.com",
			"X-Forwarded-Host: mail.example.com", "X-Forwarded-Proto: https")
		if got.status != want {
			t.Errorf("%d %s, want %d", got.status, got.body, want)
		}
	}
}

func TestPagesOfOtherOriginsCannotPost(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := onSQLite(t, friendly)
	tests := []struct {
		name    string
		headers []string
		refused bool
	}{
		{"a program that is no browser", nil, false},
		{"the explorer", []string{"Sec-Fetch-Site: same-origin", "Origin: " + s.URL}, false},
		{"somebody who typed the address", []string{"Sec-Fetch-Site: none"}, false},
		{"a page of a configured origin", []string{"Sec-Fetch-Site: cross-site", "Origin: " + friend}, false},
		{"a page of another origin", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example.com"}, true},
		{
			"a page of another origin on the same site",
			[]string{"Sec-Fetch-Site: same-site", "Origin: https://evil.example.com"}, true,
		},
		{"a page that hides its origin", []string{"Sec-Fetch-Site: cross-site"}, true},
		{"a page in an old browser", []string{"Origin: https://evil.example.com"}, true},
		{"a page of a configured origin in an old browser", []string{"Origin: " + friend}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := post(t, s, `{ __typename }`, append(test.headers, "X-Request-Id: sent")...)
			status, body := http.StatusOK, `"__typename":"Query"`
			if test.refused {
				status, body = http.StatusForbidden, `{"errors":[{"extensions":{"code":"FORBIDDEN","requestId":"sent"},"message":"pages of this origin may not call the API"}]}`
			}
			if got.status != status || !strings.Contains(got.body, body) ||
				!strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
				t.Errorf("%d %s %s", got.status, got.header.Get("Content-Type"), got.body)
			}
			// Mutations can be sent over a WebSocket too, and a browser sends no preflight request
			// before it opens one.
			header := http.Header{}
			for _, text := range test.headers {
				name, value, _ := strings.Cut(text, ": ")
				header.Set(name, value)
			}
			conn, answer, err := websocket.Dial(
				t.Context(), s.URL+"/graphql",
				&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header},
			)
			if err == nil {
				defer func() { _ = conn.CloseNow() }()
			}
			if refused := answer.StatusCode == http.StatusForbidden; refused != test.refused ||
				(err == nil) == refused {
				t.Errorf("the handshake of a WebSocket is answered %s, %v", answer.Status, err)
			}
		})
	}
}

func TestAnswersArePackedWhenTheClientAsks(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := onSQLite(t)
	owner := s.Account(t)
	for range 20 {
		s.MustQuery(
			t, owner.Key,
			`mutation { createCampaign(input: {name: "One of twenty campaigns with a long name"}) { campaign { id } } }`,
			nil,
		)
	}
	const list = `{ campaigns { nodes { id name status createdAt } } }`
	auth := "Authorization: Bearer " + owner.Key
	for name, send := range map[string]func(headers ...string) answer{
		"GraphQL": func(headers ...string) answer { return post(t, s, list, append(headers, auth)...) },
		"Command": func(headers ...string) answer {
			return do(t, http.MethodGet, s.URL+"/api.php?Command=Campaigns.Get", "", append(headers, auth)...)
		},
	} {
		plain, packed := send(), send("Accept-Encoding: gzip")
		if plain.status != http.StatusOK || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: unasked, %d %q", name, plain.status, plain.header.Get("Content-Encoding"))
		}
		if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(plain.body)/2 {
			t.Fatalf(
				"%s: asked for gzip, %q, %d bytes of %d", name, packed.header.Get("Content-Encoding"), len(packed.body),
				len(plain.body),
			)
		}
		reader, err := gzip.NewReader(strings.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reader)
		if err != nil || string(text) != plain.body {
			t.Errorf("%s: %v: unpacked, the answer is another: %s", name, err, text)
		}
		if !strings.Contains(strings.Join(plain.header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%s: caches are not told: Vary is %q", name, plain.header.Values("Vary"))
		}
	}
}
