//go:build unix

package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// syncFolder waits until the entry of a file in its folder is on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// noFollow opens no symbolic link.
const noFollow = syscall.O_NOFOLLOW

// keepOwner gives an open file the owner and the group of another one.
func keepOwner(made *os.File, of fs.FileInfo) error {
	info, err := made.Stat()
	if err != nil {
		return err
	}
	is, was := info.Sys().(*syscall.Stat_t), of.Sys().(*syscall.Stat_t)
	if is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	if err := made.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("a new %s cannot get its owner %d and its group %d: run this as that user or as root: %w",
			of.Name(), was.Uid, was.Gid, err)
	}
	return nil
}

// Exposed returns the mode of a file that other users than its owner and its group may read or write,
// and 0 if they may not. Mounts of containers are often like that, so that it is no error.
func Exposed(path string) (fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o006 == 0 {
		return 0, err
	}
	return info.Mode().Perm(), nil
}
