//go:build !unix || race

package graph_test

import "time"

// processorTime is not known here, or would say nothing: the race detector slows code down by an order of magnitude.
func processorTime() time.Duration { return 0 }
