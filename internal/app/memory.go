package app

import (
	"math"
	"os"
	"runtime/debug"
)

// tuneCollector sets when garbage is collected, as far as the environment does not say it by GOGC and GOMEMLIMIT.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		// The live heap is a few megabytes: collecting at four times of it costs little memory and saves a fifth of the time
		// of a page.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		if limit := memoryLimit(); limit < math.MaxInt64 {
			// Near the limit it is collected more often: a server under load must not be ended by garbage. A quarter is for
			// what the runtime does not count, such as the memory of SQLite.
			debug.SetMemoryLimit(limit / 4 * 3)
		}
	}
}
