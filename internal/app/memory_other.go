//go:build !linux

package app

import "math"

// memoryLimit returns math.MaxInt64: where the limits of the system are found is known for Linux alone.
func memoryLimit() int64 { return math.MaxInt64 }
