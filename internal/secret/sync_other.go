//go:build !unix

package secret

import (
	"io/fs"
	"os"
)

// noFollow does nothing.
const noFollow = 0

// syncFolder does nothing: folders cannot be synchronized here.
func syncFolder(string) error { return nil }

// keepOwner does nothing: who may use a file follows from its folder.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// Exposed finds nothing: modes say nothing here.
func Exposed(string) (fs.FileMode, error) { return 0, nil }
