package demo_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"campaignql/ent/apikey"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/demo"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// present is a Tuesday between two clock changes.
var present = time.Date(2026, 11, 24, 10, 30, 0, 0, time.UTC)

// cheap makes hashing a password take microseconds.
var cheap = account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}

func newServices(db *store.Store) demo.Services {
	return demo.Services{Accounts: account.New(db, account.Options{Passwords: cheap})}
}

// ensure runs Ensure and fails the test on an error.
func ensure(t *testing.T, db *store.Store, services demo.Services) demo.Account {
	t.Helper()
	entry, err := demo.Ensure(t.Context(), db, services, present)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// enter authenticates with a key.
func enter(t *testing.T, services demo.Services, key string) (caller.Identity, error) {
	t.Helper()
	return services.Accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceGraphQL)
}

// rowsOf counts all rows that Ensure creates, except keys.
func rowsOf(t *testing.T, db *store.Store) map[string]int {
	t.Helper()
	ctx := caller.System(t.Context())
	c := db.Client(ctx)
	counts := map[string]int{}
	for name, count := range map[string]func(context.Context) (int, error){
		"users": c.User.Query().Count, "lists": c.SubscriberList.Query().Count, "subscribers": c.Subscriber.Query().Count,
		"custom fields": c.CustomField.Query().Count, "values": c.FieldValue.Query().Count, "subscriber tags": c.SubscriberTag.Query().Count,
		"taggings": c.SubscriberTagging.Query().Count, "segments": c.Segment.Query().Count, "suppressions": c.Suppression.Query().Count,
		"emails": c.Email.Query().Count, "campaigns": c.Campaign.Query().Count, "tags": c.Tag.Query().Count,
		"campaign tags": c.CampaignTag.Query().Count, "changes": c.CampaignChange.Query().Count, "hours": c.HourlyCounter.Query().Count,
		"amounts": c.ConversionAmount.Query().Count,
		"links":   c.LinkCounter.Query().Count, "domains": c.DomainCounter.Query().Count, "events": c.Event.Query().Count,
	} {
		n, err := count(ctx)
		if err != nil {
			t.Fatal(err)
		}
		counts[name] = n
	}
	return counts
}

func TestDemoDataIsMadeOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		services := newServices(db)

		began := time.Now()
		first := ensure(t, db, services)
		t.Logf("made in %v", time.Since(began))
		made := rowsOf(t, db)
		t.Logf("made %v", made)
		if !first.Created || first.Username != "demo" || first.APIKey == "" {
			t.Fatalf("got %+v, want a new account with a key", first)
		}
		for name, want := range map[string]int{
			"users": 1, "campaigns": 200, "tags": 14, "emails": 40, "lists": 3, "subscribers": 900, "custom fields": 2, "subscriber tags": 3, "segments": 2,
		} {
			if made[name] != want {
				t.Errorf("%d %s, want %d", made[name], name, want)
			}
		}
		id, err := enter(t, services, first.APIKey)
		if err != nil || !slices.Equal(id.Scopes, kind.AllScopes(kind.RoleUser)) || id.TimeZone != "Europe/Berlin" {
			t.Fatalf("the key gives %+v and %v", id, err)
		}
		if _, err := services.Accounts.Login(
			t.Context(), account.Login{Username: first.Username, Password: first.Password},
		); err != nil {
			t.Errorf("the password does not open a session: %v", err)
		}
		_, own, err := services.Accounts.CreateKey(
			caller.With(t.Context(), id), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, Note: "mine"},
		)
		if err != nil {
			t.Fatal(err)
		}

		second := ensure(t, db, services)
		if second.Created || second.Password != "" || second.APIKey == first.APIKey {
			t.Errorf("the second time gives %+v, want another key alone", second)
		}
		for name, n := range rowsOf(t, db) {
			if n != made[name] {
				t.Errorf("%d %s after the second time, %d before", n, name, made[name])
			}
		}
		if _, err := enter(t, services, first.APIKey); apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("the first key still answers: %v", err)
		}
		for name, key := range map[string]string{"second": second.APIKey, "own": own} {
			if _, err := enter(t, services, key); err != nil {
				t.Errorf("the %s key does not work: %v", name, err)
			}
		}
		ctx := caller.System(t.Context())
		inForce, err := db.Client(ctx).APIKey.Query().Where(apikey.RevokedAtIsNil()).Count(ctx)
		if err != nil || inForce != 2 {
			t.Errorf("%d keys are in force (%v), want the demo's and the one made since", inForce, err)
		}
	})
}

func TestTwoServersMakeOneDemo(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		services := newServices(db)
		type result struct {
			entry demo.Account
			err   error
		}
		results := make(chan result)
		for range 2 {
			go func() {
				entry, err := demo.Ensure(t.Context(), db, services, present)
				results <- result{entry, err}
			}()
		}
		created := 0
		for range 2 {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
			}
			if r.entry.Created {
				created++
			}
		}
		if n := rowsOf(t, db)["campaigns"]; created != 1 || n != 200 {
			t.Errorf("%d of 2 servers made the data, %d campaigns: want 1 and 200", created, n)
		}
	})
}

func TestAnotherAccountCalledDemoIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]account.NewUser{
		"same user name": {Username: "Demo", Email: "someone@real.example", Password: "correct horse"},
		"same address":   {Username: "someone", Email: "demo@example.com", Password: "correct horse"},
		"an admin":       {Username: "demo", Email: "demo@example.com", Password: "correct horse", Role: kind.RoleAdmin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := testkit.Open(t, "sqlite::memory:")
			services := newServices(db)
			if _, _, err := services.Accounts.CreateUser(caller.System(t.Context()), other); err != nil {
				t.Fatal(err)
			}
			before := rowsOf(t, db)
			if _, err := demo.Ensure(t.Context(), db, services, present); apperr.CodeOf(err) != apperr.Conflict {
				t.Errorf("got %v, want a conflict", err)
			}
			for what, n := range rowsOf(t, db) {
				if n != before[what] {
					t.Errorf("%d %s, want %d", n, what, before[what])
				}
			}
		})
	}
}

func TestDemoUserSeesTheCampaigns(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		services := newServices(db)
		id, err := enter(t, services, ensure(t, db, services).APIKey)
		if err != nil {
			t.Fatal(err)
		}
		ctx := caller.With(t.Context(), id)
		now := func() time.Time { return present }
		campaigns := campaign.New(db, content.New(db, content.Options{Now: now}), campaign.Options{Now: now})

		counts, err := campaigns.Counts(ctx, campaign.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[kind.CampaignStatus]int{
			kind.StatusSent:            153,
			kind.StatusDraft:           16,
			kind.StatusReady:           11,
			kind.StatusPendingApproval: 6,
			kind.StatusSending:         4,
			kind.StatusPaused:          4,
			kind.StatusFailed:          6,
		}
		for _, status := range kind.CampaignStatuses() {
			if counts.ByStatus[status] != want[status] {
				t.Errorf("%d campaigns are %s, want %d", counts.ByStatus[status], status, want[status])
			}
		}
		first := 50
		listed, err := campaigns.List(
			ctx, campaign.Filter{Search: "weekly DIGEST"}, campaign.NewestFirst(), page.Request{First: &first},
		)
		if err != nil || len(listed.Items) != first || !listed.HasNext {
			t.Errorf("listed %d digests (%v), want %d and more to come", len(listed.Items), err, first)
		}
		waiting, err := campaigns.List(
			ctx, campaign.Filter{Statuses: []kind.CampaignStatus{kind.StatusPendingApproval}}, campaign.ByID,
			page.Request{},
		)
		if err != nil {
			t.Fatal(err)
		}
		approved, err := campaigns.Approve(ctx, campaign.Call{ID: waiting.Items[0].ID}, "")
		if err != nil || approved.Status != kind.StatusReady || approved.NextSendAt == nil {
			t.Errorf("approving gives %+v, %v", approved, err)
		}
	})
}
