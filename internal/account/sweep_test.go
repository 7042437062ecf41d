package account_test

import (
	"fmt"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
)

func TestSweepDeletesWhatHasEndedAndNothingElse(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		system := caller.System(t.Context())
		client := db.Client(system)
		remember := func(id string) {
			client.IdempotencyKey.Create().
				SetID(id).
				SetUserID(u.ID).
				SetOperation("createCampaign").
				SetFingerprint("f").
				SetResultID(1).
				SetCreatedAt(f.now()).
				ExecX(system)
		}
		f.login(t, account.Login{Key: key})
		wrong := account.Login{Username: "nobody", Password: "wrong password", RemoteAddr: "192.0.2.1"}
		if _, err := f.Login(t.Context(), wrong); err == nil {
			t.Fatal("nobody logged in")
		}
		remember("old")
		var many []*ent.LoginAttemptCreate // more than one batch
		for i := range 1200 {
			many = append(many, client.LoginAttempt.Create().SetID(fmt.Sprint(i)).SetExpiresAt(f.now()))
		}
		client.LoginAttempt.CreateBulk(many...).ExecX(system)

		f.advance(24 * time.Hour)
		live := f.login(t, account.Login{Key: key}).Token
		if _, err := f.Login(t.Context(), account.Login{Username: "nobody", Password: "wrong password"}); err == nil {
			t.Fatal("nobody logged in")
		}
		remember("new")

		deleted, err := f.Sweep(t.Context())
		if err != nil || deleted != 1200+1+3+1 {
			t.Errorf(
				"swept %d rows, %v; want 1200 counters, 3 more of the login, a session and an idempotency key", deleted,
				err,
			)
		}
		f.authenticated(t, account.Credentials{Session: live})
		left := []int{
			client.Session.Query().CountX(system), client.LoginAttempt.Query().CountX(system),
			client.IdempotencyKey.Query().CountX(system), client.APIKey.Query().CountX(system),
		}
		if fmt.Sprint(left) != "[1 1 1 1]" {
			t.Errorf("left of sessions, counters, idempotency keys and API keys: %v, want one each", left)
		}
		if again, err := f.Sweep(t.Context()); err != nil || again != 0 {
			t.Errorf("swept again: %d, %v", again, err)
		}
	})
}
