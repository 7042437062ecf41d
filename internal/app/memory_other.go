//go:build !linux

package app

import "math"

// memoryLimit returns math.MaxInt64, because the limits of the system are read only on Linux.
func memoryLimit() int64 { return math.MaxInt64 }
