//go:build !race

package guard

// timed reports whether tests check processor times.
const timed = true
