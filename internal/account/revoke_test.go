package account_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// madeBy creates a key with the scopes read and write.
func (f *fixture) madeBy(t *testing.T, ctx context.Context) (*ent.APIKey, string) {
	t.Helper()
	made, key, err := f.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}})
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func ids(keys []*ent.APIKey) (out []int64) {
	for _, key := range keys {
		out = append(out, key.ID)
	}
	return out
}

func same(a []int64, b ...int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRevokingAKeyEndsWhatItMade(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		leaked, leakedKey := f.madeBy(t, owner)
		child, childKey := f.madeBy(t, f.as(t, leakedKey))
		// A key created in a session of the leaked key is its descendant too.
		opened := f.login(t, account.Login{Key: leakedKey})
		bySession, bySessionKey := f.madeBy(
			t, caller.With(t.Context(), f.authenticated(t, account.Credentials{Session: opened.Token})),
		)
		grandchild, grandchildKey := f.madeBy(t, f.as(t, childKey))
		childSession := f.login(t, account.Login{Key: childKey})
		other, otherKey := f.madeBy(t, owner)
		for key, parent := range map[*ent.APIKey]int64{child: leaked.ID, bySession: leaked.ID, grandchild: child.ID} {
			if key.ParentID == nil || *key.ParentID != parent {
				t.Errorf("key %d was made by %v, want %d", key.ID, key.ParentID, parent)
			}
		}
		kept, err := f.RevokeKey(owner, leaked.ID, account.KeepDescendants)
		if err != nil || !same(ids(kept.Descendants), child.ID, bySession.ID, grandchild.ID) {
			t.Fatalf("kept %v, %v", kept, err)
		}
		f.refused(t, account.Credentials{Key: leakedKey}, "revoked key")
		f.authenticated(t, account.Credentials{Key: grandchildKey})
		// Revoking again revokes the descendants that were kept before.
		revoked, err := f.RevokeKey(owner, leaked.ID, "")
		if err != nil || !same(ids(revoked.Descendants), child.ID, bySession.ID, grandchild.ID) ||
			revoked.Descendants[0].RevokedAt == nil {
			t.Fatalf("revoked %v, %v", revoked, err)
		}
		for why, sent := range map[string]account.Credentials{
			"child": {Key: childKey}, "made by a session": {Key: bySessionKey}, "grandchild": {Key: grandchildKey},
			"session of the child": {Session: childSession.Token},
		} {
			f.refused(t, sent, why)
		}
		f.authenticated(t, account.Credentials{Key: otherKey})
		if again, err := f.RevokeKey(owner, leaked.ID, ""); err != nil || len(again.Descendants) != 0 {
			t.Errorf("the third time: %v, %v", again, err)
		}
		if _, err := f.RevokeKey(owner, other.ID, "SELL"); apperr.CodeOf(err) != apperr.Invalid {
			t.Errorf("an unknown choice: %v", err)
		}
	})
}

func TestAKeyCannotEndOneThatMayDoMore(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		firstID := f.authenticated(t, account.Credentials{Key: first}).KeyID
		writer, writerKey := f.madeBy(t, owner)
		twin, _ := f.madeBy(t, owner)
		byKey := caller.With(
			t.Context(),
			f.authenticated(t, account.Credentials{Session: f.login(t, account.Login{Key: writerKey}).Token}),
		)
		for why, ctx := range map[string]context.Context{"key": f.as(t, writerKey), "session of the key": byKey} {
			_, err := f.RevokeKey(ctx, firstID, "")
			wantCode(t, err, apperr.Denied)
			if err == nil {
				t.Errorf("a %s ended the first key", why)
			}
		}
		f.authenticated(t, account.Credentials{Key: first})
		if _, err := f.RevokeKey(f.as(t, writerKey), twin.ID, ""); err != nil {
			t.Errorf("a key that may do the same: %v", err)
		}
		if _, err := f.RevokeKey(f.as(t, writerKey), writer.ID, ""); err != nil {
			t.Errorf("itself: %v", err)
		}
		// A session opened with the password may revoke every key, with or without delivery.
		password := f.login(t, account.Login{Username: u.Username, Password: password})
		ctx := caller.With(t.Context(), f.authenticated(t, account.Credentials{Session: password.Token}))
		if _, err := f.RevokeKey(ctx, firstID, ""); err != nil {
			t.Errorf("after a login by password: %v", err)
		}
		_, adminKey := f.user(t, kind.RoleAdmin)
		adminID := f.authenticated(t, account.Credentials{Key: adminKey}).KeyID
		_, lesser, err := f.CreateKey(
			f.as(t, adminKey),
			account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove, kind.ScopeDelivery}},
		)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.RevokeKey(f.as(t, lesser), adminID, "")
		wantCode(t, err, apperr.Denied)
	})
}

// TestNoKeyIsLeftBehindByARevokedOne keeps creating keys while their parent is being revoked.
func TestNoKeyIsLeftBehindByARevokedOne(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixtureWith(t, db, account.Options{KeysPerAccount: 1000})
		_, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		for range 5 {
			leaked, leakedKey := f.madeBy(t, owner)
			as := f.as(t, leakedKey)
			var wg sync.WaitGroup
			began := make(chan struct{}, 100)
			for range 4 {
				wg.Go(func() {
					for range 10 {
						_, _, err := f.CreateKey(as, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
						began <- struct{}{}
						if code := apperr.CodeOf(err); code != "" && code != apperr.Unauthenticated {
							t.Error(err)
						}
					}
				})
			}
			<-began
			if _, err := f.RevokeKey(owner, leaked.ID, ""); err != nil {
				t.Error(err)
			}
			wg.Wait()
			keys, err := f.Keys(owner)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if key.ParentID != nil && *key.ParentID == leaked.ID && key.RevokedAt == nil {
					t.Errorf("key %d lives on", key.ID)
				}
			}
		}
	})
}

func TestAChangeOfPasswordTellsOrEndsTheKeys(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		session := f.login(t, account.Login{Username: u.Username, Password: password})
		made, madeKey := f.madeBy(
			t, caller.With(t.Context(), f.authenticated(t, account.Credentials{Session: session.Token})),
		)
		firstID := f.authenticated(t, account.Credentials{Key: first}).KeyID
		system := caller.System(t.Context())
		keys, err := f.SetPassword(system, u.ID, account.PasswordChange{Password: "another password"})
		if err != nil || !same(ids(keys), made.ID, firstID) || keys[0].RevokedAt != nil {
			t.Errorf("in force: %v, %v", keys, err)
		}
		f.refused(t, account.Credentials{Session: session.Token}, "session of the old password")
		f.authenticated(t, account.Credentials{Key: madeKey})
		keys, err = f.SetPassword(system, u.ID, account.PasswordChange{Password: "a third password", RevokeKeys: true})
		if err != nil || !same(ids(keys), made.ID, firstID) || keys[0].RevokedAt == nil {
			t.Errorf("revoked: %v, %v", keys, err)
		}
		f.refused(t, account.Credentials{Key: madeKey}, "key made under the old password")
		f.refused(t, account.Credentials{Key: first}, "first key")
	})
}

func ended(t *testing.T, f *account.Follower, within time.Duration, why string) {
	t.Helper()
	select {
	case <-f.Ended():
	case <-time.After(within):
		t.Errorf("%s: not ended within %s", why, within)
	}
	wantUnauthenticated(t, f.Check(t.Context()), why)
}

// TestAFollowedCallerEndsAtOnce covers revocation on the same server: the next Check must fail.
func TestAFollowedCallerEndsAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		key, secret := f.madeBy(t, owner)
		_, childSecret := f.madeBy(t, f.as(t, secret))
		left := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		changed := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		follow := func(sent account.Credentials) *account.Follower {
			follower := f.Follow(f.authenticated(t, sent))
			t.Cleanup(follower.Close)
			return follower
		}
		byKey, byChild := follow(account.Credentials{Key: secret}), follow(account.Credentials{Key: childSecret})
		byLeft, byChanged := follow(account.Credentials{Session: left}), follow(account.Credentials{Session: changed})
		byFirst := follow(account.Credentials{Key: first})
		if err := byKey.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeKey(owner, key.ID, ""); err != nil {
			t.Fatal(err)
		}
		wantUnauthenticated(t, byKey.Check(t.Context()), "a revoked key")
		wantUnauthenticated(t, byChild.Check(t.Context()), "what it made")
		if err := f.Logout(t.Context(), left); err != nil {
			t.Fatal(err)
		}
		wantUnauthenticated(t, byLeft.Check(t.Context()), "a session that left")
		change := account.PasswordChange{Password: "another password"}
		if _, err := f.SetPassword(caller.System(t.Context()), u.ID, change); err != nil {
			t.Fatal(err)
		}
		wantUnauthenticated(t, byChanged.Check(t.Context()), "a session of the old password")
		if err := byFirst.Check(t.Context()); err != nil {
			t.Errorf("a key that is in force: %v", err)
		}
	})
}

// TestAnotherServerSeesARevocationWithinTwoSeconds revokes on one server the credentials of a
// stream on another.
func TestAnotherServerSeesARevocationWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		here, there := newFixture(t, db), newFixture(t, db)
		_, first := here.user(t, kind.RoleUser)
		key, secret := here.madeBy(t, here.as(t, first))
		follower := there.Follow(there.authenticated(t, account.Credentials{Key: secret}))
		defer follower.Close()
		if err := follower.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := here.RevokeKey(here.as(t, first), key.ID, ""); err != nil {
			t.Fatal(err)
		}
		ended(t, follower, 10*time.Second, "a key revoked elsewhere") // two seconds, plus time for a slow machine
	})
}

func TestFollowersShareTheirStatements(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, first := f.user(t, kind.RoleUser)
		id := f.authenticated(t, account.Credentials{Key: first})
		var all []*account.Follower
		for range 50 {
			all = append(all, f.Follow(id))
		}
		recorder := new(store.Recorder)
		for range 3 {
			for _, follower := range all {
				if err := follower.Check(store.WithRecorder(t.Context(), recorder)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, follower := range all {
			follower.Close()
		}
		if n := len(recorder.Statements()); n > 3 {
			t.Errorf("150 checks cost %d statements", n)
		}
	})
}

// TestAFamilyOfKeysIsFoundWhateverTheirIds searches descendants among keys of which some have
// smaller ids than their parents, for example because rows were copied from another database.
func TestAFamilyOfKeysIsFoundWhateverTheirIds(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	made := func(id, parent int64) *ent.APIKey { return &ent.APIKey{ID: id, ParentID: &parent} }
	ended := made(4, 9)
	ended.RevokedAt = new(start)
	all := []*ent.APIKey{made(2, 4), made(3, 8), ended, made(5, 7), made(6, 5), made(7, 6), made(9, 10)}
	if got := ids(account.DescendantsOf(10, all, start)); !same(got, 2, 9) {
		t.Errorf("the descendants are %v", got)
	}
	if got := ids(account.DescendantsOf(5, all, start)); !same(got, 6, 7) { // a cycle of parents must not loop forever
		t.Errorf("the descendants in a circle are %v", got)
	}
}

// TestCheckingACallerEndsWithItsRequest blocks the read of the database while another stream calls
// Check.
func TestCheckingACallerEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := account.New(db, account.Options{})
		defer s.Close()
		f := s.Follow(testkit.Account(t, db))
		defer f.Close()
		release := account.HoldLook(s)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- f.Check(ctx) }()
		select {
		case err := <-done:
			if apperr.CodeOf(err) != apperr.Canceled {
				t.Errorf("it ends with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("it waits on after its request ended")
		}
		release()
	})
}
