//go:build !unix || race

package graph_test

import "time"

// processorTime is not available here, or not useful: the race detector slows code down by an order
// of magnitude.
func processorTime() time.Duration { return 0 }
