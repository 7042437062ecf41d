//go:build unix

package secret

import (
	"errors"
	"os"
	"path/filepath"
)

// syncFolder waits until the entry of a file in its folder is on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
