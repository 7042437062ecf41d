//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"
)

// smallBuffer lets the receiving side of a connection hold as little as the system allows, before
// the other side is told how much that is.
func smallBuffer(_ context.Context, _, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(
		func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) },
	)
	return errors.Join(err, failed)
}
