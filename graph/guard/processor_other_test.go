//go:build !linux

package guard

import "time"

// processorTime returns the elapsed time of f, which is the best portable approximation.
func processorTime(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
