//go:build unix

package app

import (
	"math"
	"syscall"
)

// processLimit is the limit of the data segment of the process; the largest number without one.
func processLimit() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_DATA, &limit) != nil || limit.Cur <= 0 || uint64(limit.Cur) > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(limit.Cur)
}
