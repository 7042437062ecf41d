//go:build unix

package secret_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"campaignql/internal/secret"
)

// TestRotatingKeepsOwnerGroupAndMode rotates a file that the server reads through its group. As root,
// the file belongs to somebody else.
func TestRotatingKeepsOwnerGroupAndMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := secret.Ensure(path); err != nil {
		t.Fatal(err)
	}
	owner, group := os.Getuid(), os.Getgid()
	if owner == 0 {
		owner, group = 12345, 23456
	}
	if err := os.Chown(path, owner, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o440); err != nil {
		t.Fatal(err)
	}
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if is := info.Sys().(*syscall.Stat_t); int(is.Uid) != owner || int(is.Gid) != group || info.Mode().Perm() != 0o440 {
		t.Errorf("owner %d, group %d, mode %04o", is.Uid, is.Gid, info.Mode().Perm())
	}
}

func TestAFileIsExposedThatOthersReadOrWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := secret.Ensure(path); err != nil {
		t.Fatal(err)
	}
	for mode, exposed := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o440: false, 0o640: false, 0o444: true, 0o644: true, 0o602: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		found, err := secret.Exposed(path)
		if err != nil || found != 0 != exposed || exposed && found != mode {
			t.Errorf("mode %04o: %04o, %v", mode, found, err)
		}
	}
}
