package command_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/command"
	"campaignql/internal/kind"
)

func login(name, word string) string {
	return "Command=User.Login&Username=" + url.QueryEscape(name) + "&Password=" + url.QueryEscape(word)
}

func TestAnUnknownUserReadsAsAWrongPassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		want := f.post(login(me.Username, "wrong password"))
		if want.status != http.StatusOK ||
			want.body != `{"Success":false,"ErrorCode":[3],"ErrorText":["Invalid login information"]}` {
			t.Errorf("a wrong password: %d %s", want.status, want.body)
		}
		for name, form := range map[string]string{
			"unknown": login("nobody of "+me.Username, "wrong password"), "unknown address": login("nobody."+me.Email, password),
			"very long": login(strings.Repeat("x", 5000), strings.Repeat("y", 5000)), "a wrong key": "Command=User.Login&APIKey=" + me.key + "x",
		} {
			got := f.post(form)
			if got.body != want.body || got.status != want.status || len(got.header) != len(want.header) {
				t.Errorf(
					"%s: %d %s %v, want %d %s %v", name, got.status, got.body, got.header, want.status, want.body,
					want.header,
				)
			}
		}
	})
}

// server returns another bridge over the database of a fixture, as on another machine. All its
// clients have one address.
func (f *fixture) server(address string) *fixture {
	other := *f
	accounts := account.New(
		f.db, account.Options{Now: f.now, Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}},
	)
	services := f.bridge.Services
	services.Accounts = accounts
	other.bridge = command.New(services, command.Options{Logger: quiet()})
	other.client = address
	return &other
}

func TestFailedLoginsCountOnAllServersByNameAndByAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me, you := f.owner(t), f.owner(t)
		one, two, three := f.server("one "+me.Username), f.server("two "+me.Username), f.server("three "+me.Username)
		const wrong = `"ErrorCode":[3]`
		limited := func(name string, got exchange) {
			t.Helper()
			if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" || !strings.HasPrefix(got.body, `{"Success":false,"ErrorCode":429,"ErrorText":"Too many failed logins`) ||
				!strings.Contains(got.body, `"Errors":[{"Code":429,`) ||
				got.header.Get(command.OperationHeader) != "login" {
				t.Errorf("%s: %d %v %s", name, got.status, got.header, got.body)
			}
		}
		for i := range 10 {
			spelling := []string{me.Username, strings.ToUpper(me.Username)}[i/5]
			if got := []*fixture{one, two}[i%2].post(login(spelling, "wrong")); !strings.Contains(got.body, wrong) {
				t.Fatalf("failure %d: %s", i+1, got.body)
			}
		}
		limited("the name on a third server, with the right password", three.post(login(me.Username, password)))
		limited("and with a wrong one", one.post(login(me.Username, "wrong")))
		if got := three.post(login(you.Username, password)); !strings.HasPrefix(got.body, `{"Success":true`) {
			t.Errorf("another name: %s", got.body)
		}
		for i := range 100 {
			three.post([]string{"Command=User.Login&APIKey=wrong", "Command=User.Login&AdminAPIKey=wrong"}[i%2])
		}
		limited("the address, with another name", three.post(login(you.Username, password)))
		limited("the address, with a key", f.server("three "+me.Username).post("Command=User.Login&APIKey="+you.key))
		if got := three.post("Command=Tags.Get&APIKey=" + you.key); !strings.HasPrefix(got.body, `{"Success":true`) {
			t.Errorf("a key needs no login: %s", got.body)
		}
		f.advance(time.Minute)
		for name, got := range map[string]exchange{"name": one.post(login(me.Username, password)), "address": three.post(login(you.Username, password))} {
			if !strings.HasPrefix(got.body, `{"Success":true`) {
				t.Errorf("the %s a minute later: %s", name, got.body)
			}
		}
	})
}

func TestGuessesSentAtOnceAreLimitedToo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me := f.owner(t)
		servers := []*fixture{f.server("a" + me.Username), f.server("b" + me.Username)}
		var wait sync.WaitGroup
		answers := make([]int, 60)
		for i := range answers {
			wait.Go(func() { answers[i] = servers[i%2].post(login(me.Username, "wrong")).status })
		}
		wait.Wait()
		tried := 0
		for _, status := range answers {
			if status == http.StatusOK {
				tried++
			}
		}
		// A server may be hashing one password per core when the tenth failure is counted.
		if tried < 10 || tried > 40 ||
			servers[0].post(login(me.Username, password)).status != http.StatusTooManyRequests {
			t.Errorf("%d of %d guesses were tried: %v", tried, len(answers), answers)
		}
	})
}

func TestASessionEndsWithItsKeyAndWithThePassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		me, you := f.owner(t), f.owner(t)
		record, key, err := f.accounts.CreateKey(me.ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		sessions := map[string]string{
			"of a key":        sessionOf(t, f.post("Command=User.Login&APIKey="+key).body),
			"of another key":  sessionOf(t, f.post("Command=User.Login&APIKey="+me.key).body),
			"of a password":   sessionOf(t, f.post(login(me.Username, password)).body),
			"of another user": sessionOf(t, f.post(login(you.Username, password)).body),
		}
		lives := func(when string, want ...string) {
			t.Helper()
			alive := map[string]bool{}
			for _, name := range want {
				alive[name] = true
			}
			for name, session := range sessions {
				got := f.post("Command=Tags.Get&SessionID=" + session)
				if strings.HasPrefix(got.body, `{"Success":true`) != alive[name] ||
					!alive[name] && !strings.Contains(got.body, `"ErrorCode":99998`) {
					t.Errorf("%s the session %s: %s", when, name, got.body)
				}
			}
		}
		lives("at first", "of a key", "of another key", "of a password", "of another user")
		if _, err := f.accounts.RevokeKey(me.ctx, record.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		lives("after the key was revoked", "of another key", "of a password", "of another user")
		if _, err := f.accounts.SetPassword(
			caller.System(t.Context()), me.ID, account.PasswordChange{Password: "another password"},
		); err != nil {
			t.Fatal(err)
		}
		lives("after the password was changed", "of another user")
	})
}
