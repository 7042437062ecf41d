package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/secret"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// patience is how long a server may take to start or to stop. If a test waits longer, it fails.
const patience = 20 * time.Second

// settings returns the configuration of a server on a free port.
func settings() config.Config {
	return config.Config{
		Listen:              "127.0.0.1:0",
		Explorer:            true,
		Migrate:             true,
		Introspection:       true,
		MaxDepth:            12,
		MaxComplexity:       20_000,
		MaxTokens:           2000,
		MaxGraphQLBody:      1 << 20,
		MaxBatchBody:        16 << 20,
		MaxCommandBody:      10 << 20,
		Timeout:             30 * time.Second,
		ShutdownGrace:       15 * time.Second,
		SessionTTL:          24 * time.Hour,
		LoginFailures:       10,
		MaxClients:          2000,
		MaxAddressClients:   500,
		MaxRequests:         1000,
		MaxAccountRequests:  200,
		MaxSubscriptions:    100,
		MaxSocketOperations: 32,
		MaxSockets:          1000,
		MaxAccountSockets:   100,
		MaxAnonymousSockets: 64,
		MaxDownloads:        32,
		MaxAccountDownloads: 8,
		MaxBodyMemory:       128 << 20,
		MaxStreams:          32,
		MaxAccountStreams:   8,
		LiveInterval:        500 * time.Millisecond,
		MaxAnswer:           32 << 20,
		MaxAnswers:          128 << 20,
		MaxAccountHeavy:     2,
		MaxConnections:      8,
		StatementTimeout:    time.Minute,
	}
}

// running is a server started with Run.
type running struct {
	// url is the URL of the server, greeting is everything that it printed.
	url      string
	greeting []string
	end      func() error
}

// noSecret is the secret of an installation that has none.
func noSecret() (*secret.Secret, error) { return nil, nil }

// run starts a server and reads its greeting up to the line that begins with last. The server is
// stopped when the test ends, or when end is called.
func run(t *testing.T, address string, cfg config.Config, last string) *running {
	t.Helper()
	return runWith(t, address, cfg, noSecret, last)
}

// runWith is run with a secret of the installation.
func runWith(
	t *testing.T, address string, cfg config.Config, load func() (*secret.Secret, error), last string,
) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := app.Run(
			ctx, address, cfg, load, app.Build{Version: "test", Commit: "none"}, slog.New(slog.DiscardHandler), out,
		)
		out.CloseWithError(err)
		ended <- err
	}()
	stop := func() error {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-time.After(patience):
			t.Error("the server did not end")
			return nil
		}
	}
	t.Cleanup(func() { _ = stop() })
	r := &running{end: stop}
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		r.greeting = append(r.greeting, lines.Text())
		if strings.HasPrefix(lines.Text(), last) {
			r.url = strings.TrimPrefix(r.greeting[0], "campaignql serves ")
			return r
		}
	}
	t.Fatalf("the server ended with %v after printing %q", stop(), r.greeting)
	return nil
}

// campaigns returns the number of campaigns of the owner of a key. ok is false if the key is
// rejected.
func (r *running) campaigns(t *testing.T, key string) (total int, ok bool) {
	t.Helper()
	got := do(
		t, http.MethodPost, r.url+"/graphql", `{"query":"{ campaignCounts { total } }"}`,
		"Content-Type: application/json", "Authorization: Bearer "+key,
	)
	var body struct {
		Data *struct{ CampaignCounts struct{ Total int } }
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%v in %s", err, got.body)
	}
	if body.Data == nil {
		return 0, false
	}
	return body.Data.CampaignCounts.Total, true
}

var (
	demoUser = regexp.MustCompile(`^  demo user  demo, password [A-Z2-7]{26}$`)
	demoKey  = regexp.MustCompile(`^  demo key   (cq_[a-z2-7]{52})$`)
)

func TestTheDemoCanBeEnteredAtEveryStart(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		cfg := settings()
		cfg.Demo = true
		first := run(t, address, cfg, "  demo key")
		key := demoKey.FindStringSubmatch(first.greeting[len(first.greeting)-1])
		if key == nil || !demoUser.MatchString(first.greeting[len(first.greeting)-2]) {
			t.Fatalf("the first start greets with %q", first.greeting)
		}
		if total, ok := first.campaigns(t, key[1]); !ok || total != 200 {
			t.Errorf("the key shows %d campaigns, %t, want 200", total, ok)
		}
		if page := do(t, http.MethodGet, first.url+"/", ""); !strings.Contains(page.body, key[1]) {
			t.Error("the explorer does not know the key")
		}
		if err := first.end(); err != nil {
			t.Fatal(err)
		}

		// The password is stored as a hash, so a later start does not know it. It must not print an
		// empty one.
		second := run(t, address, cfg, "  demo key")
		again := demoKey.FindStringSubmatch(second.greeting[len(second.greeting)-1])
		if again == nil || strings.Contains(strings.Join(second.greeting, "\n"), "password") {
			t.Fatalf("the second start greets with %q", second.greeting)
		}
		if total, ok := second.campaigns(t, again[1]); !ok || total != 200 {
			t.Errorf("the new key shows %d campaigns, %t, want 200", total, ok)
		}
		if _, ok := second.campaigns(t, key[1]); ok {
			t.Error("the key of the first start is still in force")
		}
		if err := second.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheGreetingTellsWhatIsServedWhere(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	plain := run(t, "sqlite::memory:", settings(), "  Command")
	want := []string{
		"campaignql serves " + plain.url, "  explorer   " + plain.url + "/", "  GraphQL    " + plain.url + "/graphql",
		"  Command    " + plain.url + "/api.php",
	}
	if diff := cmp.Diff(want, plain.greeting); diff != "" {
		t.Error(diff)
	}
	if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9][0-9]*$`).MatchString(plain.url) {
		t.Errorf("it serves %s", plain.url)
	}

	cfg := settings()
	cfg.PublicURL, cfg.Explorer = "https://mail.example.com/api/", false
	public := run(t, "sqlite::memory:", cfg, "  Command")
	want = []string{
		"campaignql serves https://mail.example.com/api", "  GraphQL    https://mail.example.com/api/graphql",
		"  Command    https://mail.example.com/api/api.php",
	}
	if diff := cmp.Diff(want, public.greeting); diff != "" {
		t.Error(diff)
	}
}

func TestRunSaysWhyItCannotServe(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	stranger := "sqlite:" + t.TempDir() + "/stranger.db"
	makeStranger(t, stranger)
	tests := []struct {
		name, database string
		change         func(*config.Config)
		want           string
	}{
		{
			"the address is taken", "sqlite::memory:", func(c *config.Config) { c.Listen = taken.Addr().String() },
			`^--listen 127\.0\.0\.1:[0-9]+: .*address already in use$`,
		},
		{
			"the database cannot be reached", "mysql://ann:secret@127.0.0.1:1/x", func(*config.Config) {},
			`^--database: database mysql://ann:x+@127\.0\.0\.1:1/x cannot be reached: .*connection refused$`,
		},
		{
			"the database must not be migrated", "sqlite::memory:", func(c *config.Config) { c.Migrate = false },
			`^the database has not been migrated$`,
		},
		{
			"the name of the demo account is another's", stranger, func(c *config.Config) { c.Demo = true },
			`^demo data: there is an account "demo"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := settings()
			test.change(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), patience) // a server that starts although it should not would run forever
			defer cancel()
			err := app.Run(ctx, test.database, cfg, noSecret, app.Build{}, slog.New(slog.DiscardHandler), io.Discard)
			if err == nil || !regexp.MustCompile(test.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// makeStranger creates a database with an account that has the name of the demo account but another
// address.
func makeStranger(t *testing.T, address string) {
	t.Helper()
	db := testkit.Open(t, address)
	now := store.Now()
	ctx := caller.System(t.Context())
	if err := db.Client(ctx).
		User.Create().
		SetUsername("Demo").SetUsernameKey("demo").SetEmail("ann@example.com").
		SetEmailKey("ann@example.com").SetPasswordHash("none").SetTimeZone("UTC").SetCreatedAt(now).
		SetUpdatedAt(now).
		Exec(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestWhatDeletedCampaignsLeaveIsPurgedAtTheStartAndAfterADeletion deletes one campaign while no
// server runs, and another one through a server.
func TestWhatDeletedCampaignsLeaveIsPurgedAtTheStartAndAfterADeletion(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		services := app.NewServices(db, app.ServiceOptions{})
		owner := testkit.Account(t, db)
		ctx := testkit.As(t, owner)
		busy := func(name string) int64 {
			c, err := services.Campaigns.Create(ctx, name, nil)
			if err != nil {
				t.Fatal(err)
			}
			db.Client(ctx).
				Event.Create().
				SetID(fmt.Sprint(c.ID, "-e")).SetCampaignID(c.ID).SetContactID(1).SetSubscriberID(1).
				SetKind(kind.EventOpened).SetAt(store.Now()).ExecX(ctx)
			return c.ID
		}
		before, after := busy("before"), busy("after")
		if _, err := services.Campaigns.Delete(ctx, []int64{before}); err != nil {
			t.Fatal(err)
		}
		left := func() int { return db.Client(ctx).Event.Query().CountX(ctx) }
		purged := func(want int) {
			t.Helper()
			for deadline := time.Now().Add(patience); left() != want; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d events are left, want %d", left(), want)
				}
			}
		}
		purged(2)
		r := run(t, address, settings(), "  Command")
		purged(1)
		_, key, err := services.Accounts.CreateKey(
			ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}},
		)
		if err != nil {
			t.Fatal(err)
		}
		got := do(
			t, http.MethodPost, r.url+"/api.php",
			fmt.Sprintf("Command=Campaigns.Delete&ResponseFormat=JSON&APIKey=%s&Campaigns=%d", key, after),
			"Content-Type: application/x-www-form-urlencoded",
		)
		if !strings.Contains(got.body, `"Success":true`) {
			t.Fatal(got.body)
		}
		purged(0)
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatDeletedListsLeaveIsPurgedAtTheStartAndAfterADeletion deletes one list while no server
// runs, and another one through a server.
func TestWhatDeletedListsLeaveIsPurgedAtTheStartAndAfterADeletion(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		services := app.NewServices(db, app.ServiceOptions{})
		ctx := testkit.As(t, testkit.Account(t, db))
		var made []int64
		for range 2 {
			l, err := services.Lists.Create(ctx, lists.Input{Name: "l"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			ann := subscriber.Subscription{ListID: l.ID, Email: "a@example.com"}
			if _, err := services.Subscribers.Subscribe(ctx, ann); err != nil {
				t.Fatal(err)
			}
			made = append(made, l.ID)
		}
		if _, err := services.Lists.Delete(ctx, made[:1]); err != nil {
			t.Fatal(err)
		}
		left := func() int { return db.Client(ctx).Subscriber.Query().CountX(store.WithDeleted(ctx)) }
		purged := func(want int) {
			t.Helper()
			for deadline := time.Now().Add(patience); left() != want; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d people are left, want %d", left(), want)
				}
			}
		}
		purged(2)
		r := run(t, address, settings(), "  Command")
		purged(1)
		_, key, err := services.Accounts.CreateKey(
			ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}},
		)
		if err != nil {
			t.Fatal(err)
		}
		asked := fmt.Sprintf(`{"query":"mutation { deleteLists(input: {ids: [\"%d\"]}) { deletedIds } }"}`, made[1])
		got := do(
			t, http.MethodPost, r.url+"/graphql", asked, "Content-Type: application/json", "Authorization: Bearer "+key,
		)
		if !strings.Contains(got.body, `"deletedIds":["`) {
			t.Fatal(got.body)
		}
		purged(0)
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
}

// TestAServerWithoutTheSecretDoesNotStart starts a server for a database in which somebody was
// forgotten, without the secret and with it.
func TestAServerWithoutTheSecretDoesNotStart(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		ctx := testkit.As(t, testkit.Account(t, db))
		known, err := secret.Parse("a-secret-of-at-least-32-characters")
		if err != nil {
			t.Fatal(err)
		}
		services := app.NewServices(db, app.ServiceOptions{Secret: known})
		defer services.Close()
		person := testkit.MakeContact(t, ctx, db.Client(ctx), "ann@example.com")
		if _, err := services.Forgetting.Forget(ctx, []int64{person}, forget.Options{}); err != nil {
			t.Fatal(err)
		}
		start := func(known *secret.Secret) error {
			ctx, cancel := context.WithCancel(t.Context())
			out, in := io.Pipe()
			go func() { // the server greets
				_, _ = out.Read(make([]byte, 1))
				cancel()
				_, _ = io.Copy(io.Discard, out)
			}()
			defer in.Close()
			load := func() (*secret.Secret, error) { return known, nil }
			return app.Run(ctx, address, settings(), load, app.Build{}, slog.New(slog.DiscardHandler), in)
		}
		if err := start(nil); err == nil || !strings.Contains(err.Error(), "--secret-file or CAMPAIGNQL_SECRET") {
			t.Errorf("without the secret: %v", err)
		}
		if err := start(known); err != nil {
			t.Errorf("with the secret: %v", err)
		}
	})
}
