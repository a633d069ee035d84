//go:build race

package chaos

// raceFactor is how much more memory everything may take than without the race
// detector, under which the daemon runs here, too.
const raceFactor = 8
