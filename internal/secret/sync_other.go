//go:build !unix

package secret

// syncFolder does nothing: folders cannot be synchronized here.
func syncFolder(string) error { return nil }
