//go:build !race

package command_test

// raceDetector tells whether the race detector is on, which multiplies memory and time.
const raceDetector = false
