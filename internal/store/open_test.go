package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestSQLiteFilesAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own.db")
	testkit.Open(t, "sqlite:"+path)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v", filepath.Base(file), info.Mode(), err)
		}
	}
}

func TestAddressOfAHostByNumberWithoutPort(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), "mysql://u@[::1]/x", store.Options{})
	if err == nil || strings.Contains(err.Error(), "too many colons") {
		t.Errorf("got %v, want that nothing listens there", err)
	}
}
