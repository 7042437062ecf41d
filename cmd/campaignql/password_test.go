package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
)

// TestChangingThePasswordEndsSessionsAndKeepsKeys runs the command while a server uses the same
// database.
func TestChangingThePasswordEndsSessionsAndKeepsKeys(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		cheap := account.Options{Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}}
		accounts := account.New(testkit.Open(t, address), cheap)
		_, key, err := accounts.CreateUser(
			caller.System(t.Context()),
			account.NewUser{Username: "ann", Email: "ann@example.com", Password: "the old password"},
		)
		if err != nil {
			t.Fatal(err)
		}
		login := func(in account.Login) (string, error) {
			session, err := accounts.Login(t.Context(), in)
			if err != nil {
				return "", err
			}
			return session.Token, nil
		}
		byPassword, err := login(account.Login{Username: "ann", Password: "the old password"})
		if err != nil {
			t.Fatal(err)
		}
		byKey, err := login(account.Login{Key: key})
		if err != nil {
			t.Fatal(err)
		}

		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(hunter+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		stdin, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		var stdout, stderr bytes.Buffer
		code := run([]string{"user", "password", "--database", address, "--username", "Ann"}, stdin, &stdout, &stderr)
		if code != 0 || !strings.Contains(stderr.String(), "1 API keys of ann stay in force") ||
			!strings.Contains(stdout.String(), `"status":"active"`) {
			t.Fatalf("exit status %d: %s%s", code, stdout.String(), stderr.String())
		}
		for name, session := range map[string]string{"by password": byPassword, "by key": byKey} {
			_, err := accounts.Authenticate(t.Context(), account.Credentials{Session: session}, kind.SurfaceCommand)
			if apperr.CodeOf(err) != apperr.Unauthenticated {
				t.Errorf("a session opened %s goes on: %v", name, err)
			}
		}
		_, err = accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceCommand)
		if err != nil {
			t.Errorf("the key: %v", err)
		}
		_, err = login(account.Login{Username: "ann", Password: "the old password"})
		if apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("the old password: %v", err)
		}
		if _, err := login(account.Login{Username: "ann", Password: hunter}); err != nil {
			t.Errorf("the new password: %v", err)
		}
		if _, err := stdin.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		stdout.Reset()
		stderr.Reset()
		args := []string{"user", "password", "--database", address, "--username", "ann", "--revoke-keys"}
		code = run(args, stdin, &stdout, &stderr)
		if code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), `"status":"revoked"`) {
			t.Fatalf("exit status %d: %s%s", code, stdout.String(), stderr.String())
		}
		_, err = accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceCommand)
		if apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("the key after --revoke-keys: %v", err)
		}
	})
}

// TestKeysAreListedAndRevokedAsATree creates a key with a key that was itself created by a key.
func TestKeysAreListedAndRevokedAsATree(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	address := "sqlite:" + filepath.Join(t.TempDir(), "keys.db")
	db := testkit.Open(t, address)
	accounts := account.New(db, account.Options{Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}})
	_, key, err := accounts.CreateUser(
		caller.System(t.Context()),
		account.NewUser{Username: "ann", Email: "ann@example.com", Password: "the password"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		id, err := accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceGraphQL)
		if err != nil {
			t.Fatal(err)
		}
		_, key, err = accounts.CreateKey(
			caller.With(t.Context(), id), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	campaignql := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(append(args, "--database", address, "--username", "ann"), nil, &stdout, &stderr); code != 0 {
			t.Fatalf("exit status %d: %s", code, stderr.String())
		}
		return stdout.String()
	}
	var column []string
	for line := range strings.Lines(campaignql("key", "list")) {
		column = append(column, line[:6])
	}
	if got := strings.Join(column, "|"); got != "ID    |1     |  2   |    3 " {
		t.Errorf("the tree is %q", got)
	}
	got := campaignql("key", "revoke", "2", "--keep-descendants")
	if !strings.Contains(got, `"status":"revoked"`) || !strings.Contains(got, `"status":"active"`) ||
		!strings.Contains(got, `"descendants":[{"keyId":3,"parentId":2,`) {
		t.Error(got)
	}
	got = campaignql("key", "revoke", "1")
	if !strings.Contains(got, `"descendants":[{"keyId":3,`) || strings.Contains(got, `"status":"active"`) {
		t.Error(got)
	}
	if got := campaignql("key", "list", "--json"); strings.Contains(got, `"status":"active"`) {
		t.Error(got)
	}
}
