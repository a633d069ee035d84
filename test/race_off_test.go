//go:build !race

package test

// raceEnabled says that the tests, and with them the binaries under test, are
// built with the race detector.
const raceEnabled = false
