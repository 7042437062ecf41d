package main

import (
	"context"
	"os"
	"strconv"

	"campaignql/internal/bench/bed"
)

// child is a server in a child process.
type child struct{ *bed.Process }

// maxConnections is the pool size of both servers.
const maxConnections = 32

// startServer starts the product on a database. Except for the pool size, it has its default
// settings.
func startServer(ctx context.Context, binary, database string) (*child, error) {
	started, err := bed.Serve(ctx, binary, database, "--max-connections", strconv.Itoa(maxConnections))
	return &child{started}, err
}

// startLimit starts this program as the handwritten handler.
func startLimit(ctx context.Context, database string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	started, err := bed.Start(ctx, database, self, rawMode, database)
	return &child{started}, err
}
