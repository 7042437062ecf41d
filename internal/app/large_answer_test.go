package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/limited"
)

const (
	largeEmails = 40
	largeText   = 5 << 20
)

// largeEmailsOf creates a database with two accounts and returns their API keys. The first account
// has large emails and campaigns that use them; the second account has little data.
func largeEmailsOf(t *testing.T, address string) (large, small string) {
	t.Helper()
	db := testkit.Open(t, address)
	services := app.NewServices(db, app.ServiceOptions{})
	html := strings.Repeat("x", largeText)
	for i, key := range []*string{&large, &small} {
		user, secret, err := services.Accounts.CreateUser(caller.System(t.Context()), account.NewUser{
			Username: fmt.Sprint("user", i), Email: fmt.Sprintf("u%d@example.com", i), Password: "correct horse",
			Role: kind.RoleUser, Reputation: kind.ReputationTrusted, TimeZone: "UTC",
		})
		if err != nil {
			t.Fatal(err)
		}
		*key = secret
		ctx := caller.With(t.Context(), caller.Identity{UserID: user.ID, Scopes: kind.AllScopes(kind.RoleUser)})
		client, now := db.Client(ctx), store.Now()
		client.SubscriberList.Create().SetName("L").SetNameKey("l").SetCreatedAt(now).SaveX(ctx)
		if i > 0 {
			break
		}
		var emails []int64
		for range largeEmails {
			emails = append(
				emails, client.Email.Create().SetHTML(html).SetCreatedAt(now).SetUpdatedAt(now).SaveX(ctx).ID,
			)
		}
		for n := range 200 {
			name := fmt.Sprint("c", n)
			client.Campaign.Create().SetName(name).SetNameKey(name).SetEmailID(emails[n%largeEmails]).
				SetCreatedAt(now).SetLastActivityAt(now).ExecX(ctx)
		}
	}
	return large, small
}

// refusal is the part of a GraphQL response that the tests read.
type refusal struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	} `json:"errors"`
}

func ask(t *testing.T, s *limited.Server, key, document string) refusal {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"query": document})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return refusal{}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Errorf("%.60s: %v", document, err)
		return refusal{}
	}
	defer response.Body.Close()
	var read refusal
	if err := json.NewDecoder(response.Body).Decode(&read); err != nil {
		t.Errorf("%.60s: %v", document, err)
	}
	return read
}

// TestLargeAnswersAreRefusedAndTheServerLives requests responses of gigabytes from a server with
// 512 MiB.
func TestLargeAnswersAreRefusedAndTheServerLives(t *testing.T) {
	testkit.OncePerRun(t)
	address := "sqlite:" + filepath.Join(t.TempDir(), "large.db")
	large, small := largeEmailsOf(t, address)
	s := limited.Start(t, address, "--max-complexity", "1000000", "--timeout", "60s")
	t.Log("at first:", s.Memory(t))

	var aliases strings.Builder
	for i := range 10 {
		fmt.Fprintf(&aliases, "a%d:campaigns(first:200){nodes{email{html}}}", i)
	}
	got := ask(t, s, large, "{"+aliases.String()+"}")
	if len(got.Errors) != 1 || got.Data != nil || got.Errors[0].Extensions["reason"] != "ANSWER_TOO_LARGE" ||
		got.Errors[0].Extensions["field"] != "html" {
		t.Errorf("ten times all texts: %.500v", got)
	}
	t.Log("after ten aliases:", s.Memory(t))
	s.MustBeAlive(t)

	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 3 {
				got := ask(t, s, large, "{emails(first:40){nodes{html}}}")
				if len(got.Errors) != 1 || got.Data != nil {
					t.Errorf("all emails: %.500v", got)
					return
				}
				if why := got.Errors[0].Extensions["reason"]; why != "ANSWER_TOO_LARGE" && why != "ANSWERS_TOO_LARGE" {
					t.Errorf("all emails: %v", got.Errors)
				}
			}
		})
	}
	go func() { readers.Wait(); close(done) }()
	answered := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			if got := ask(t, s, small, "{lists{nodes{name}} campaigns{nodes{name}}}"); len(got.Errors) > 0 ||
				got.Data["lists"] == nil {
				t.Fatalf("another account meanwhile: %v", got)
			}
			answered++
		}
	}
	t.Logf("after four readers: %v; another account was answered %d times meanwhile", s.Memory(t), answered)
	if answered == 0 {
		t.Error("the other account was not answered while the readers ran")
	}
	s.MustBeAlive(t)
	if got := ask(t, s, large, "{emails(first:1){nodes{html}}}"); len(got.Errors) > 0 {
		t.Errorf("one email after all: %v", got.Errors)
	}
}

// TestLargeListsAreStreamedInLittleMemory reads all emails over the bridge with two clients, 200
// MiB each.
func TestLargeListsAreStreamedInLittleMemory(t *testing.T) {
	testkit.OncePerRun(t)
	address := "sqlite:" + filepath.Join(t.TempDir(), "stream.db")
	large, _ := largeEmailsOf(t, address)
	s := limited.Start(t, address)
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableCompression: true}}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			response, err := client.PostForm(s.URL+"/api.php", url.Values{"Command": {"Emails.Get"}, "APIKey": {large}})
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if n, err := io.Copy(io.Discard, response.Body); err != nil || n < largeEmails*largeText {
				t.Errorf("read %d bytes, %v", n, err)
			}
		})
	}
	readers.Wait()
	s.MustBeAlive(t)
	t.Log("after two streams:", s.Memory(t))
}
