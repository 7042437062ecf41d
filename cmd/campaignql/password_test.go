package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
)

// TestChangingThePasswordEndsSessionsAndKeepsKeys runs the program beside a server that shares its database.
func TestChangingThePasswordEndsSessionsAndKeepsKeys(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		accounts := account.New(testkit.Open(t, address), account.Options{Passwords: account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}})
		_, key, err := accounts.CreateUser(caller.System(t.Context()), account.NewUser{Username: "ann", Email: "ann@example.com", Password: "the old password"})
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
		if err := os.WriteFile(path, []byte(secret+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		stdin, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		var stdout, stderr bytes.Buffer
		if code := run([]string{"user", "password", "--database", address, "--username", "Ann"}, stdin, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
			t.Fatalf("exit status %d: %s", code, stderr.String())
		}
		for name, session := range map[string]string{"by password": byPassword, "by key": byKey} {
			if _, err := accounts.Authenticate(t.Context(), account.Credentials{Session: session}, kind.SurfaceCommand); apperr.CodeOf(err) != apperr.Unauthenticated {
				t.Errorf("a session opened %s goes on: %v", name, err)
			}
		}
		if _, err := accounts.Authenticate(t.Context(), account.Credentials{Key: key}, kind.SurfaceCommand); err != nil {
			t.Errorf("the key: %v", err)
		}
		if _, err := login(account.Login{Username: "ann", Password: "the old password"}); apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("the old password: %v", err)
		}
		if _, err := login(account.Login{Username: "ann", Password: secret}); err != nil {
			t.Errorf("the new password: %v", err)
		}
	})
}
