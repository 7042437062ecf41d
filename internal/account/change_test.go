package account_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// news makes a campaign of the caller.
func news(t *testing.T, db *store.Store, ctx context.Context) *ent.Campaign {
	t.Helper()
	made, err := db.Client(ctx).Campaign.Create().SetName("News").SetNameKey("news").
		SetCreatedAt(store.Now()).SetLastActivityAt(store.Now()).Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestRequestThatHadBegunIsNotLost creates a campaign between the end of the keys and the deletion.
func TestRequestThatHadBegunIsNotLost(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		accounts, ctx := account.New(db, account.Options{}), caller.System(t.Context())
		owner := testkit.Account(t, db)
		mine := testkit.As(t, owner)
		_, key, err := accounts.CreateKey(mine, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		err = accounts.DeleteUser(ctx, owner.UserID, func(context.Context) error {
			_, err := accounts.Authenticate(t.Context(), account.ByToken(key), kind.SurfaceGraphQL)
			if apperr.CodeOf(err) != apperr.Unauthenticated {
				t.Errorf("its key, while requests end: %v", err)
			}
			news(t, db, mine)
			return nil
		})
		if apperr.CodeOf(err) != apperr.Conflict || !strings.Contains(err.Error(), "1 campaigns") {
			t.Errorf("with a campaign of a request that had begun: %v", err)
		}
		if found, err := accounts.UsersByIDs(ctx, []int64{owner.UserID}); err != nil || len(found) != 1 {
			t.Errorf("%v, %v are left", found, err)
		}
	})
}

// TestOnlyAnEmptyAccountIsDeleted deletes an account before and after its campaign is deleted.
func TestOnlyAnEmptyAccountIsDeleted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		accounts, ctx := account.New(db, account.Options{}), caller.System(t.Context())
		none := func(context.Context) error { return nil }
		owner, stays := testkit.Account(t, db), testkit.Account(t, db)
		mine := testkit.As(t, owner)
		_, key, err := accounts.CreateKey(mine, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		made := news(t, db, mine)
		if err := accounts.DeleteUser(mine, owner.UserID, none); apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("who is no admin: %v", err)
		}
		err = accounts.DeleteUser(ctx, owner.UserID, none)
		if apperr.CodeOf(err) != apperr.Conflict || !strings.Contains(err.Error(), "1 campaigns") {
			t.Errorf("with a campaign: %v", err)
		}
		if _, err := accounts.Authenticate(t.Context(), account.ByToken(key), kind.SurfaceGraphQL); err != nil {
			t.Errorf("its key ended with a deletion that was refused: %v", err)
		}
		if err := db.Client(mine).Campaign.DeleteOne(made).Exec(mine); err != nil {
			t.Fatal(err)
		}
		if err := accounts.DeleteUser(ctx, owner.UserID, none); err != nil {
			t.Errorf("without: %v", err)
		}
		if err := accounts.DeleteUser(ctx, owner.UserID, none); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("again: %v", err)
		}
		_, err = accounts.Authenticate(t.Context(), account.ByToken(key), kind.SurfaceGraphQL)
		if apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("its key: %v", err)
		}
		found, err := accounts.UsersByIDs(ctx, []int64{owner.UserID, stays.UserID})
		if err != nil || len(found) != 1 || found[stays.UserID] == nil {
			t.Errorf("%v, %v are left", found, err)
		}
	})
}

func TestAccountIsUpdatedInPart(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		accounts, ctx := account.New(db, account.Options{}), caller.System(t.Context())
		one, other := testkit.Account(t, db), testkit.Account(t, db)
		before, err := accounts.UserByName(ctx, one.Username)
		if err != nil {
			t.Fatal(err)
		}
		zone, untrusted := "Europe/Berlin", kind.ReputationUntrusted
		after, err := accounts.UpdateUser(
			ctx, one.UserID, account.UserPatch{TimeZone: &zone, Reputation: &untrusted},
		)
		if err != nil {
			t.Fatal(err)
		}
		if after.TimeZone != zone || after.Reputation != untrusted || after.Username != before.Username ||
			after.Email != before.Email || after.PasswordHash != before.PasswordHash || after.Role != before.Role {
			t.Errorf("%v became %v", before, after)
		}
		for name, patch := range map[string]account.UserPatch{
			"username_taken": {Username: &other.Username}, "time_zone_unknown": {TimeZone: new("Mars/Olympus")},
			"email_invalid": {Email: new("nonsense")}, "username_required": {Username: new(" ")},
		} {
			_, err := accounts.UpdateUser(ctx, one.UserID, patch)
			if all := apperr.All(err); len(all) != 1 || string(all[0].Reason) != name {
				t.Errorf("%s: %v", name, err)
			}
		}
		c := news(t, db, testkit.As(t, one))
		if err := db.Client(ctx).Campaign.UpdateOne(c).SetStatus(kind.StatusSending).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		_, err = accounts.UpdateUser(ctx, one.UserID, account.UserPatch{Sender: new(kind.SenderBuiltIn)})
		if all := apperr.All(err); len(all) != 1 || all[0].Reason != apperr.ReasonRunOpen {
			t.Errorf("the sender changed while a campaign was being sent: %v", err)
		}
		if _, err := accounts.UpdateUser(testkit.As(t, one), one.UserID, account.UserPatch{}); apperr.CodeOf(err) !=
			apperr.Denied {
			t.Errorf("who is no admin: %v", err)
		}
	})
}

// TestWhoSeesWhichAccounts compares what an admin and a user see.
func TestWhoSeesWhichAccounts(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		accounts := account.New(db, account.Options{})
		user, admin := testkit.Account(t, db), testkit.Account(t, db, testkit.Admin())
		ids := []int64{user.UserID, admin.UserID}
		for name, tt := range map[string]struct {
			as   caller.Identity
			sees int
		}{"user": {user, 1}, "admin": {admin, 2}} {
			ctx := testkit.As(t, tt.as)
			found, err := accounts.UsersByIDs(ctx, ids)
			if err != nil || len(found) != tt.sees || found[tt.as.UserID] == nil {
				t.Errorf("%s sees %v, %v", name, found, err)
			}
			listed, err := accounts.Users(ctx, account.UserFilter{}, page.Request{First: new(2)})
			count, countErr := accounts.CountUsers(ctx, account.UserFilter{})
			if err != nil || countErr != nil || len(listed.Items) != tt.sees || (count == 1) != (tt.sees == 1) {
				t.Errorf("%s lists %d of %d: %v, %v", name, len(listed.Items), count, err, countErr)
			}
			names, err := accounts.Usernames(ctx, ids)
			if err != nil || names[user.UserID] != user.Username || names[admin.UserID] != admin.Username {
				t.Errorf("%s reads the names %v, %v", name, names, err)
			}
		}
	})
}

// TestANameThatWasTakenMeanwhileIsTaken renames two accounts at once to the same name.
func TestANameThatWasTakenMeanwhileIsTaken(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		accounts, ctx := account.New(db, account.Options{}), caller.System(t.Context())
		for round := range 5 {
			ids := []int64{testkit.Account(t, db).UserID, testkit.Account(t, db).UserID}
			name := fmt.Sprint("wanted ", round, " ", ids[0])
			errs := make([]error, len(ids))
			var renamed sync.WaitGroup
			for i, id := range ids {
				renamed.Go(func() { _, errs[i] = accounts.UpdateUser(ctx, id, account.UserPatch{Username: &name}) })
			}
			renamed.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("want one of two: %v", errs)
			}
			for _, err := range errs {
				if all := apperr.All(err); err != nil && (len(all) != 1 || all[0].Reason != apperr.ReasonUsernameTaken) {
					t.Errorf("the other: %v", err)
				}
			}
		}
	})
}

// TestTheLastAdminStays demotes and deletes admins until one is left, and the last two at once.
func TestTheLastAdminStays(t *testing.T) {
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		accounts, ctx := account.New(db, account.Options{}), caller.System(t.Context())
		user, none := kind.RoleUser, func(context.Context) error { return nil }
		demote := func(id int64) error {
			_, err := accounts.UpdateUser(ctx, id, account.UserPatch{Role: &user})
			return err
		}
		last := func(err error) bool {
			all := apperr.All(err)
			return len(all) == 1 && all[0].Code == apperr.Conflict && all[0].Reason == apperr.ReasonLastAdmin
		}
		testkit.Account(t, db)
		one, two := testkit.Account(t, db, testkit.Admin()).UserID, testkit.Account(t, db, testkit.Admin()).UserID
		errs := make([]error, 2)
		var demoted sync.WaitGroup
		for i, id := range []int64{one, two} {
			demoted.Go(func() { errs[i] = demote(id) })
		}
		demoted.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !last(errors.Join(errs...)) {
			t.Fatalf("the last two at once: %v", errs)
		}
		stays := one
		if errs[0] == nil {
			stays = two
		}
		if err := accounts.DeleteUser(ctx, stays, none); !last(err) {
			t.Errorf("deleting it: %v", err)
		}
		if _, err := accounts.UpdateUser(ctx, stays, account.UserPatch{FirstName: new("Ann")}); err != nil {
			t.Errorf("its name: %v", err)
		}
		testkit.Account(t, db, testkit.Admin())
		if err := demote(stays); err != nil {
			t.Errorf("with another admin: %v", err)
		}
	})
}
