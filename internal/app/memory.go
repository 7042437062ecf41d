package app

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"campaignql/internal/config"
)

// tuneMemory sets how eagerly memory is collected, unless the environment says so. While little is held, collecting at four
// times of it saves a fifth of the time of a page. A soft limit keeps that from multiplying large answers: it follows from
// what they may hold, and from what the system gives the process.
func tuneMemory(cfg config.Config) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(cfg.MaxAnswers, min(processLimit(), groupLimit("/sys/fs/cgroup/memory.max"))))
	}
}

// softLimit is what the runtime tries to stay below: four times what answers may hold beside what a server needs, and two
// thirds of what the process may have.
func softLimit(answers, given int64) int64 {
	const base = 256 << 20
	return min(base+4*answers, given/3*2)
}

// groupLimit reads the limit of a control group; the largest number without one.
func groupLimit(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return math.MaxInt64
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit <= 0 {
		return math.MaxInt64
	}
	return limit
}
