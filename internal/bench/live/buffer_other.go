//go:build !unix

package main

import (
	"context"
	"syscall"
)

// smallBuffer is a no-op on this system.
func smallBuffer(context.Context, string, string, syscall.RawConn) error { return nil }
