//go:build !linux

package leftovers

// Holder returns 0: who has written a pidfile is not known here.
func Holder(string, string) int { return 0 }

// supervisordRuns believes whoever holds the lock.
func supervisordRuns(int) bool { return true }
