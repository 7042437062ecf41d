package importer

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"

	"campaignql/internal/apperr"
)

// hold locks a file for one import, because two imports would share its checkpoint and its report.
// The lock is a file in the same directory. It ends with the process that holds it, even after a
// crash. release unlocks it.
func hold(path string) (release func() error, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	lock := flock.New(path + ".import.lock")
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s.import.lock: %w", path, err)
	}
	// An import that ended in between has removed the file that is locked now.
	if held && !still(lock) {
		held = false
		err = lock.Close()
	}
	if !held {
		busy := &apperr.Error{
			Code: apperr.Conflict, Reason: apperr.ReasonImportRunning,
			Message: path + " is being imported by another process: wait until it has ended",
		}
		return nil, errors.Join(busy, err)
	}
	return func() error { return errors.Join(os.Remove(lock.Path()), lock.Close()) }, nil
}

// still reports whether the locked file is still the one at its path.
func still(lock *flock.Flock) bool {
	found, err := os.Stat(lock.Path())
	if err != nil {
		return false
	}
	locked, err := lock.Stat()
	return err == nil && os.SameFile(found, locked)
}
