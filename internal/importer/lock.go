package importer

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"

	"campaignql/internal/apperr"
)

// hold lets one import at a time work on a file: two would share its checkpoint and its report. The
// lock lies beside the file and ends with the process that holds it, however that ends. release
// gives it up.
func hold(path string) (release func() error, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	lock := flock.New(path + ".import.lock")
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s.import.lock: %w", path, err)
	}
	// One that ended meanwhile has removed the file that was locked now.
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

// still reports whether the file that is locked is the one that others find.
func still(lock *flock.Flock) bool {
	found, err := os.Stat(lock.Path())
	if err != nil {
		return false
	}
	locked, err := lock.Stat()
	return err == nil && os.SameFile(found, locked)
}
