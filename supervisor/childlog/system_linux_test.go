package childlog

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func mountSmall(dir string) error { return unix.Mount("vigilance-test", dir, "tmpfs", 0, "size=64k") }

func unmount(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }

func TestPlainWriteIsOneSystemCallAndNoAllocation(t *testing.T) {
	f := OpenFile(FileOptions{Path: t.TempDir() + "/log", MaxBytes: 1 << 30, Report: failOnReport(t)})
	defer f.Close()
	s := NewStream(StreamOptions{Log: f})
	chunk := make([]byte, 4096)
	const rounds = 1000
	before := writeCalls(t)
	allocs := testing.AllocsPerRun(rounds, func() { s.Write(chunk) })
	if calls := writeCalls(t) - before; calls > rounds+20 { // the runtime writes now and then
		t.Errorf("write(2) calls for %d chunks: got %d, want one each", rounds, calls)
	}
	if allocs != 0 {
		t.Errorf("allocations a chunk: got %v, want 0", allocs)
	}
}

// writeCalls returns how many write(2) calls this process has made.
func writeCalls(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("needs the kernel's I/O accounting: ", err)
	}
	_, rest, _ := strings.Cut(string(content), "syscw: ")
	n := 0
	for _, digit := range strings.SplitN(rest, "\n", 2)[0] {
		n = 10*n + int(digit-'0')
	}
	return n
}

// openTerminal returns the master of a pseudo terminal and its slave's name.
func openTerminal(t *testing.T) (*os.File, string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs pseudo terminals: ", err)
	}
	t.Cleanup(func() { master.Close() })
	must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(t, err)
	return master, fmt.Sprintf("/dev/pts/%d", n)
}
