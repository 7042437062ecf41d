//go:build !unix

package secret

import "io/fs"

// syncFolder does nothing: folders cannot be synchronized here.
func syncFolder(string) error { return nil }

// keepOwner does nothing: a file belongs to whoever has access to its folder.
func keepOwner(string, fs.FileInfo) error { return nil }

// Exposed finds nothing: modes say nothing here.
func Exposed(string) (fs.FileMode, error) { return 0, nil }
