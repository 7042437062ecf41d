package app

import (
	"math"
	"os"
	"runtime/debug"

	"campaignql/internal/config"
)

// tuneMemory sets the GC percentage and the soft memory limit, unless the environment sets GOGC or
// GOMEMLIMIT.
func tuneMemory(cfg config.Config) {
	if os.Getenv("GOGC") == "" {
		// The live heap is a few megabytes. A collection at five times its size costs little memory
		// and saves a fifth of the time of a page.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(cfg.MaxAnswers, memoryLimit()))
	}
}

// softLimit returns the soft memory limit in bytes. From this size on garbage is collected more
// often, so that garbage does not multiply the memory of large responses. The limit is the base
// need of the server plus four times the memory that responses may hold. It is at most three
// quarters of what the system allows the process; the rest is for memory that the runtime does not
// count, such as that of SQLite.
func softLimit(answers, allowed int64) int64 {
	const base = 256 << 20
	if allowed == math.MaxInt64 {
		return base + 4*answers
	}
	return min(base+4*answers, allowed/4*3)
}
