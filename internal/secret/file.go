package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mode is that of a file with secrets: only its owner reads it.
const mode = 0o600

// Load reads the secrets of a file.
func Load(path string) (*Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.path = path
	return s, nil
}

// Ensure reads the secrets of a file, and makes it with a random secret if there is none. Of
// processes that make it at once one succeeds, and the others read its file. Nobody sees a file that
// is not complete, unless the volume has no hard links.
func Ensure(path string) (*Secret, error) {
	if s, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	made, err := write(path, Random()+"\n", nil)
	if err != nil {
		return nil, err
	}
	defer os.Remove(made)
	// A link, unlike a rename, never replaces a file that another process has made meanwhile.
	if err := link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := createFrom(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if err := syncFolder(path); err != nil {
		return nil, err
	}
	return Load(path)
}

// link is os.Link. Tests replace it by that of a volume without hard links.
var link = os.Link

// createFrom copies a file to a new one, on a volume without hard links.
func createFrom(made, path string) error {
	text, err := os.ReadFile(made)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// Random returns a new secret of 256 random bits.
func Random() string {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// write writes text to a new file beside path, so that it is on the disk, and returns its name. If
// like is not nil, the file gets its owner, group and mode. They are set through the open file,
// because a user who may write to the folder could replace its name by a link.
func write(path, text string, like fs.FileInfo) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(text)
	permissions := fs.FileMode(mode)
	if like != nil {
		permissions = like.Mode().Perm()
		err = errors.Join(err, keepOwner(file, like))
	}
	if err = errors.Join(err, file.Chmod(permissions), file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}
