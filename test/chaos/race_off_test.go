//go:build !race

package chaos

// raceFactor is how much more memory everything may take than it should.
const raceFactor = 1
