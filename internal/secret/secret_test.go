package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"campaignql/internal/secret"
)

const first, second = "first-secret-of-at-least-32-bytes", "second-secret-of-at-least-32-bytes"

func parse(t *testing.T, text string) *secret.Secret {
	t.Helper()
	s, err := secret.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDigestsAreTheSameInEveryRelease pins a digest and the id of its key: what is stored depends on
// them.
func TestDigestsAreTheSameInEveryRelease(t *testing.T) {
	t.Parallel()
	key := parse(t, first).Keys(secret.ForgottenAddresses)[0]
	const id, digest = "3d96f6775f475ab4", "c54d3bbc847a4ac0a3a83d88f610bd190ed3ea27d6e6ed52ab7ef9e560eda065"
	if got := key.Digest("1", "ann@example.com"); key.ID != id || got != digest {
		t.Errorf("key %s, digest %s", key.ID, got)
	}
}

func TestDigestsDependOnSecretPurposeAndParts(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, digest := range []string{
		parse(t, first).Keys(secret.ForgottenAddresses)[0].Digest("1", "ann@example.com"),
		parse(t, second).Keys(secret.ForgottenAddresses)[0].Digest("1", "ann@example.com"),
		parse(t, first).Keys("another purpose")[0].Digest("1", "ann@example.com"),
		parse(t, first).Keys(secret.ForgottenAddresses)[0].Digest("2", "ann@example.com"),
		parse(t, first).Keys(secret.ForgottenAddresses)[0].Digest("1ann@", "example.com"),
		parse(t, first).Keys(secret.ForgottenAddresses)[0].Digest("1ann@example.com"),
		parse(t, first).Keys(secret.ForgottenAddresses)[0].Digest(strings.Repeat("long", 1000)),
	} {
		if seen[digest] || len(digest) != secret.DigestLength {
			t.Errorf("digest %s", digest)
		}
		seen[digest] = true
	}
}

func TestTheFirstLineIsCurrentAndTheOthersStay(t *testing.T) {
	t.Parallel()
	keys := parse(t, "\n"+second+"\r\n\n  "+first+"\n").Keys(secret.ForgottenAddresses)
	if len(keys) != 2 || keys[1].ID != parse(t, first).Keys(secret.ForgottenAddresses)[0].ID || keys[0].ID == keys[1].ID {
		t.Error(keys)
	}
	if keys := (*secret.Secret)(nil).Keys(secret.ForgottenAddresses); len(keys) != 0 {
		t.Error(keys)
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "holds no secret",
		" \n":                      "holds no secret",
		"hunter2":                  "secret 1 has 7 characters: it needs at least 32",
		first + "\nhunter2":        "secret 2 has 7 characters: it needs at least 32",
		first + " " + first + "\n": "secret 2 is there twice",
	} {
		_, err := secret.Parse(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestOneFileIsMadeByMany has many make the file at once.
func TestOneFileIsMadeByMany(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	ids := make([]string, 16)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			s, err := secret.Ensure(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.Keys(secret.ForgottenAddresses)[0].ID
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("two secrets: %v", ids)
		}
	}
	only(t, folder, path)
}

func TestRotatingKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	var before []secret.Key
	for n := range 3 {
		if err := secret.Rotate(path); err != nil {
			t.Fatal(err)
		}
		s, err := secret.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		keys := s.Keys(secret.ForgottenAddresses)
		if len(keys) != n+1 {
			t.Fatalf("%d secrets after %d rotations", len(keys), n)
		}
		for i, key := range before {
			if keys[i+1].ID != key.ID {
				t.Errorf("rotation %d: secret %d is another one", n, i)
			}
		}
		before = keys
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Error(err)
	}
	only(t, folder, path)

	// A file that cannot be read as secrets stays as it is.
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := secret.Rotate(broken); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if text, err := os.ReadFile(broken); string(text) != "hunter2" {
		t.Errorf("%q, %v", text, err)
	}
}

// only checks that a folder has this file alone, which only its owner reads.
func only(t *testing.T, folder, path string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestRotationsAtOnceKeepEachSecret has many rotate one file at once.
func TestRotationsAtOnceKeepEachSecret(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	if _, err := secret.Ensure(path); err != nil {
		t.Fatal(err)
	}
	const times = 16
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			if err := secret.Rotate(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := secret.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Keys(secret.ForgottenAddresses)); n != times+1 {
		t.Errorf("%d secrets after %d rotations", n, times)
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Error(err)
	}
	only(t, folder, path)
}
