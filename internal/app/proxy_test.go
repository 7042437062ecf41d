package app_test

import (
	"net/http"
	"strings"
	"testing"

	"campaignql/internal/config"
	"campaignql/internal/testkit"
)

// TestBehindAProxyNobodyLocksOutOthers logs in with wrong keys from one client of a proxy, over
// each surface with a login, until the client is rejected. The other clients of the proxy are not
// rejected.
func TestBehindAProxyNobodyLocksOutOthers(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := onSQLite(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1", "::1"} })
	direct := onSQLite(t)
	account, other := s.Account(t), direct.Account(t)
	logins := []func(url, key, client string) answer{
		func(url, key, client string) answer {
			return do(
				t, http.MethodPost, url+"/api.php", "Command=User.Login&APIKey="+key,
				"Content-Type: application/x-www-form-urlencoded", client,
			)
		},
		func(url, key, client string) answer {
			return do(
				t, http.MethodPost, url+"/api.php", "Command=User.Login&AdminAPIKey="+key,
				"Content-Type: application/x-www-form-urlencoded", client,
			)
		},
		func(url, key, client string) answer {
			query := `{"query":"mutation { login(input: {apiKey: \"` + key + `\"}) { sessionToken } }"}`
			return do(t, http.MethodPost, url+"/graphql", query, "Content-Type: application/json", client)
		},
		func(url, key, client string) answer {
			query := `{"query":"mutation { command(name: \"User.Login\", parameters: {APIKey: \"` + key + `\"}) }"}`
			return do(t, http.MethodPost, url+"/graphql", query, "Content-Type: application/json", client)
		},
	}
	limited := func(got answer) bool { return strings.Contains(got.body, "oo many failed logins") }
	for i := range 100 {
		if got := logins[i%4](s.URL, "cq_wrong", "X-Forwarded-For: 198.51.100.1, 203.0.113.5"); limited(got) {
			t.Fatalf("failure %d: %s", i+1, got.body)
		}
		// A client that is not a proxy cannot use a different address for each guess.
		logins[i%4](direct.URL, "cq_wrong", "X-Forwarded-For: 203.0.113."+strings.Repeat("1", i%3))
	}
	for i, login := range logins {
		if got := login(s.URL, account.Key, "X-Forwarded-For: 203.0.113.5"); !limited(got) {
			t.Errorf("way %d: the client is not refused: %s", i, got.body)
		}
		if got := login(s.URL, account.Key, "X-Forwarded-For: 203.0.113.6"); limited(got) {
			t.Errorf("way %d: another client is refused: %s", i, got.body)
		}
		if got := login(direct.URL, other.Key, "X-Forwarded-For: 203.0.113.99"); !limited(got) {
			t.Errorf("way %d: without a trusted proxy the header counts: %s", i, got.body)
		}
	}
}
