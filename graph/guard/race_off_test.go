//go:build !race

package guard

// timed says whether processor times are asserted.
const timed = true
