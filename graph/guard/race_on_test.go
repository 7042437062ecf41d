//go:build race

package guard

// timed is false under the race detector, which slows code down by an order of magnitude.
const timed = false
