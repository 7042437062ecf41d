package secret

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestAVolumeWithoutHardLinks makes the file where links are not supported. It is not parallel,
// because it replaces link.
func TestAVolumeWithoutHardLinks(t *testing.T) {
	defer func() { link = os.Link }()
	link = func(string, string) error { return errors.ErrUnsupported }
	path := filepath.Join(t.TempDir(), "secret")
	made, err := Ensure(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Ensure(path)
	if err != nil || again.Keys("p")[0].ID != made.Keys("p")[0].ID {
		t.Errorf("another secret, %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("%v, %v", info, err)
	}
}
