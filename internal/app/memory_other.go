//go:build !unix

package app

import "math"

// processLimit is the largest number: the system has no limit of a process.
func processLimit() int64 { return math.MaxInt64 }
