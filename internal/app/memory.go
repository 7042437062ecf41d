package app

import (
	"math"
	"os"
	"runtime/debug"

	"campaignql/internal/config"
)

// tuneMemory sets when garbage is collected, as far as the environment does not say it by GOGC and GOMEMLIMIT.
func tuneMemory(cfg config.Config) {
	if os.Getenv("GOGC") == "" {
		// The live heap is a few megabytes: collecting at four times of it costs little memory and
		// saves a fifth of the time of a page.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(cfg.MaxAnswers, memoryLimit()))
	}
}

// softLimit returns from how many bytes on garbage is collected more often, so that large answers
// are not multiplied by it: what a server needs and four times what answers may hold. It stays
// below what the system allows the process: a quarter of that is for what the runtime does not
// count, such as the memory of SQLite.
func softLimit(answers, allowed int64) int64 {
	const base = 256 << 20
	if allowed == math.MaxInt64 {
		return base + 4*answers
	}
	return min(base+4*answers, allowed/4*3)
}
