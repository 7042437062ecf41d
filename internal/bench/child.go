package main

import (
	"context"
	"os"
	"strconv"

	"campaignql/internal/bench/bed"
)

// child is a server that runs as a child process.
type child struct{ *bed.Process }

// maxConnections is the size of the pool of both servers.
const maxConnections = 32

// startServer starts the product on a database, with its defaults for all that both servers do not need to share.
func startServer(ctx context.Context, binary, database string) (*child, error) {
	started, err := bed.Serve(ctx, binary, database, "--max-connections", strconv.Itoa(maxConnections))
	return &child{started}, err
}

// startLimit starts this program as the handler written by hand.
func startLimit(ctx context.Context, database string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	started, err := bed.Start(ctx, database, self, rawMode, database)
	return &child{started}, err
}
