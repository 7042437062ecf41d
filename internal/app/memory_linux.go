package app

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// memoryLimit returns the upper bound in bytes that the system sets for the memory of the process,
// or math.MaxInt64 if there is none.
func memoryLimit() int64 {
	limit := int64(math.MaxInt64)
	for _, resource := range []int{syscall.RLIMIT_DATA, syscall.RLIMIT_AS} {
		var of syscall.Rlimit
		if syscall.Getrlimit(resource, &of) == nil && uint64(of.Cur) < uint64(limit) {
			limit = int64(of.Cur)
		}
	}
	// The limits of a container, for control groups version 2 and 1.
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	return limit
}
