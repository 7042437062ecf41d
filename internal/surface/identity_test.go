package surface_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"campaignql/internal/surface"
)

// trusted are the proxies of the tests.
var trusted = surface.Proxies{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("192.0.2.7/32"),
	netip.MustParsePrefix("2001:db8:ffff::/48"),
}

// identified returns the Request for a peer with headers "Name: value".
func identified(opts surface.Identity, peer string, headers ...string) (known *surface.Request, host string) {
	r := httptest.NewRequest(http.MethodGet, "http://inner:8080/", nil)
	r.RemoteAddr = peer
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	surface.Identify(opts, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		known, host = surface.RequestOf(r.Context()), r.Host
	})).ServeHTTP(httptest.NewRecorder(), r)
	return known, host
}

func TestForwardingHeadersOfTrustedProxiesTellTheClient(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		peer    string
		headers []string
		client  string
		base    string
	}{
		"no header": {"10.1.1.1:5000", nil, "10.1.1.1", "http://inner:8080"},
		"one proxy": {
			"10.1.1.1:5000", []string{
				"X-Forwarded-For: 203.0.113.5", "X-Forwarded-Proto: https", "X-Forwarded-Host: mail.example.com",
			}, "203.0.113.5", "https://mail.example.com",
		},
		"a spoofed prefix": {
			"10.1.1.1:5000", []string{
				"X-Forwarded-For: 198.51.100.1, 203.0.113.5", "X-Forwarded-Proto: http, https",
				"X-Forwarded-Host: evil.example, mail.example.com",
			}, "203.0.113.5", "https://mail.example.com",
		},
		"two proxies": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 203.0.113.5, 192.0.2.7", "X-Forwarded-Proto: https, http"},
			"203.0.113.5", "https://inner:8080",
		},
		"two proxies, the scheme once": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 203.0.113.5, 192.0.2.7", "X-Forwarded-Proto: https"},
			"203.0.113.5", "https://inner:8080",
		},
		"several lines": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.5 ,192.0.2.7"},
			"203.0.113.5", "http://inner:8080",
		},
		"only proxies": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 10.9.9.9, 192.0.2.7"}, "10.9.9.9", "http://inner:8080",
		},
		"a port": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 203.0.113.5:4711"}, "203.0.113.5", "http://inner:8080",
		},
		"IPv6": {
			"[2001:db8:ffff::1]:5000", []string{"X-Forwarded-For: 2001:db8::5"}, "2001:db8::5", "http://inner:8080",
		},
		"IPv6 in brackets": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: [2001:db8::5]"}, "2001:db8::5", "http://inner:8080",
		},
		"IPv6 with port": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: [2001:db8::5]:443"}, "2001:db8::5", "http://inner:8080",
		},
		"IPv4 in IPv6": {
			"[::ffff:10.1.1.1]:5000", []string{"X-Forwarded-For: ::ffff:203.0.113.5"},
			"203.0.113.5", "http://inner:8080",
		},
		"unknown": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 198.51.100.1, unknown"}, "10.1.1.1", "http://inner:8080",
		},
		"unknown beyond a proxy": {
			"10.1.1.1:5000", []string{"X-Forwarded-For: 198.51.100.1, unknown, 192.0.2.7"},
			"192.0.2.7", "http://inner:8080",
		},
		"nonsense": {
			"10.1.1.1:5000", []string{
				"X-Forwarded-For: 198.51.100.1, <script>", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: a b",
			}, "10.1.1.1", "http://inner:8080",
		},
		"a scheme alone": {
			"10.1.1.1:5000", []string{"X-Forwarded-Proto: wss"}, "10.1.1.1", "https://inner:8080",
		},
		"RFC 7239": {
			"10.1.1.1:5000", []string{
				`Forwarded: for=198.51.100.1;proto=http, For="203.0.113.5:4711";Proto=HTTPS;host="mail.example.com";by=10.1.1.1`,
			}, "203.0.113.5", "https://mail.example.com",
		},
		"RFC 7239, IPv6": {
			"10.1.1.1:5000", []string{`Forwarded: for="[2001:db8::5]:4711"`, `Forwarded: for=192.0.2.7;proto=https`},
			"2001:db8::5", "https://inner:8080",
		},
		"RFC 7239, obfuscated": {
			"10.1.1.1:5000", []string{`Forwarded: for=198.51.100.1, for=_hidden`}, "10.1.1.1", "http://inner:8080",
		},
		"RFC 7239, a comma in quotes": {
			"10.1.1.1:5000", []string{`Forwarded: for="a,for=198.51.100.1;\"x", for=203.0.113.5`},
			"203.0.113.5", "http://inner:8080",
		},
		"both headers agree": {
			"10.1.1.1:5000", []string{
				"Forwarded: for=203.0.113.5;proto=https", "X-Forwarded-For: 203.0.113.5, 192.0.2.7",
				"X-Forwarded-Host: mail.example.com",
			}, "203.0.113.5", "https://mail.example.com",
		},
		"both headers contradict": {
			"10.1.1.1:5000", []string{"Forwarded: for=198.51.100.1;proto=https", "X-Forwarded-For: 203.0.113.5"},
			"10.1.1.1", "http://inner:8080",
		},
		"RFC 7239 with a scheme besides": {
			"10.1.1.1:5000", []string{"Forwarded: for=203.0.113.5", "X-Forwarded-Proto: https"},
			"203.0.113.5", "https://inner:8080",
		},
	} {
		known, host := identified(surface.Identity{Proxies: trusted}, tt.peer, tt.headers...)
		if known.Client != tt.client || known.BaseURL() != tt.base || host != known.Host {
			t.Errorf(
				"%s: client %s of %s, host %s; want %s of %s", name, known.Client, known.BaseURL(), host, tt.client,
				tt.base,
			)
		}
	}
}

func TestForwardingHeadersOfAnybodyElseAreIgnoredAndToldOnce(t *testing.T) {
	t.Parallel()
	for _, proxies := range []surface.Proxies{nil, trusted} {
		for _, header := range []string{
			"X-Forwarded-For: 198.51.100.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example",
			"Forwarded: for=198.51.100.1;proto=https;host=evil.example",
		} {
			for peer, client := range map[string]string{
				"203.0.113.9:4000": "203.0.113.9", "[2001:db8::9%eth0]:4000": "2001:db8::9", "@": "@", "": "",
			} {
				known, host := identified(surface.Identity{Proxies: proxies}, peer, header)
				if known.Client != client || known.BaseURL() != "http://inner:8080" || host != "inner:8080" {
					t.Errorf("%s from %q: client %s of %s", header, peer, known.Client, known.BaseURL())
				}
			}
		}
	}
	log := new(bytes.Buffer)
	handler := surface.Identify(
		surface.Identity{Logger: slog.New(slog.NewTextHandler(log, nil))}, http.NotFoundHandler(),
	)
	for range 3 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 ||
		!strings.Contains(text, "--trusted-proxy (CAMPAIGNQL_TRUSTED_PROXIES)") ||
		strings.Contains(text, "198.51.100.1") {
		t.Errorf("the log says %q", text)
	}
}

func TestPublicURLAndTLSDecideTheBaseURL(t *testing.T) {
	t.Parallel()
	known, _ := identified(surface.Identity{PublicURL: "https://mail.example.com/api/"}, "203.0.113.9:4000")
	if got := known.BaseURL(); got != "https://mail.example.com/api" {
		t.Error(got)
	}
	r := httptest.NewRequest(http.MethodGet, "http://inner/", nil)
	r.TLS = new(tls.ConnectionState)
	surface.Identify(surface.Identity{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := surface.RequestOf(r.Context()).BaseURL(); got != "https://inner" {
			t.Error(got)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}

func TestBearerIsReadInOneWay(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer a": "a", "bearer  a ": "a", " BEARER a": "a", "Basic a": "", "Bearer": "", "": "", "a": "",
	} {
		if got := surface.Bearer(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestNetworkOfAClient(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{
		"203.0.113.5": "203.0.113.5", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "@": "@", "": "",
	} {
		if got := (&surface.Request{Client: client}).Network(); got != want {
			t.Errorf("%q: %q, want %q", client, got, want)
		}
	}
}
