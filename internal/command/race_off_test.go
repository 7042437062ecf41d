//go:build !race

package command_test

// raceDetector is true if the race detector is on, which needs much more memory and time.
const raceDetector = false
