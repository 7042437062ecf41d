//go:build !linux

package guard

import "time"

// processorTime returns how long f took, which is the best that can be had portably.
func processorTime(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
