//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"campaignql/internal/secret"
)

// TestASecretThatEverybodyReadsIsServedWithAWarning loads a file as Docker mounts its secrets.
func TestASecretThatEverybodyReadsIsServedWithAWarning(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := secret.Ensure(path); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{0o440: "", 0o600: "", 0o444: "mode=0444"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		env := &environment{settings: settings{SecretFile: path}, log: slog.New(slog.NewTextHandler(&log, nil))}
		if s, err := env.secret(); s == nil || err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
		switch {
		case want == "" && log.Len() > 0:
			t.Errorf("mode %04o: %s", mode, log.String())
		case !strings.Contains(log.String(), want), want != "" && !strings.Contains(log.String(), path):
			t.Errorf("mode %04o: %s", mode, log.String())
		}
	}
}
