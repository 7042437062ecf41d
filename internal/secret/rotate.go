package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// Rotate makes a new secret the current one of a file. The others stay behind it. The file keeps its
// owner, group and mode; if it cannot, it stays as it is. Rotate makes the file if there is none.
// Rotations at once wait for each other, so that each of their secrets stays.
func Rotate(path string) (err error) {
	release, err := hold(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := Ensure(path)
		return err
	}
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := Parse(string(old)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	made, err := write(path, Random()+"\n"+string(old), info)
	if err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return errors.Join(err, os.Remove(made))
	}
	return syncFolder(path)
}

// hold waits for the lock of a file. The lock is a file beside it, which stays, because another
// rotation may wait for it. The lock ends with the process that holds it, even after a crash.
func hold(path string) (release func() error, err error) {
	// Other users may have to wait for it too.
	lock := flock.New(
		path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDONLY|noFollow), flock.SetPermissions(0o644),
	)
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("%s.lock: %w", path, err)
	}
	return lock.Close, nil
}
