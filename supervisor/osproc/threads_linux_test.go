package osproc

import (
	"os"
	"strconv"
	"testing"
)

func TestReserveThreadsMakesThreads(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/" + strconv.Itoa(os.Getpid()) + "/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	const n = 64 // more than a test has otherwise
	ReserveThreads(n)
	if got := count(); got < n {
		t.Errorf("after ReserveThreads(%d) there are %d threads, want as many at least", n, got)
	}
	had := count()
	ReserveThreads(n)
	if got := count(); got > had+8 {
		t.Errorf("a second ReserveThreads(%d) made %d threads of %d, want that those are used again", n, got, had)
	}
}
