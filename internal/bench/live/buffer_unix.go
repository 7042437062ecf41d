//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"
)

// smallBuffer sets the receive buffer of a connection to the minimum that the system allows. It
// must run before the connection is established, when the peer learns the size.
func smallBuffer(_ context.Context, _, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(
		func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) },
	)
	return errors.Join(err, failed)
}
