package osproc

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSpawnGivesChildDefaultSignalsAndNoMask(t *testing.T) {
	// The daemon is started with signals blocked, and ignored as nohup does.
	// Locked and never unlocked: the thread ends with this goroutine.
	done := make(chan string)
	go func() { // ends with the nested process
		defer close(done)
		runtime.LockOSThread()
		mask := unix.Sigset_t{}
		mask.Val[0] = 1<<(syscall.SIGUSR2-1) | 1<<(syscall.SIGTERM-1)
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &mask, nil); err != nil {
			t.Error(err)
			return
		}
		done <- nested(t, "print child's status",
			`trap "" HUP INT TSTP TTIN TTOU USR1 PIPE; grep -E "^Sig(Blk|Ign)" /proc/self/status | sed s/^/daemon/; exec "$@"`)
	}()
	out := <-done
	for _, name := range []string{"daemonSigBlk", "daemonSigIgn"} {
		if got := field(t, out, name); got == "0000000000000000" {
			t.Errorf("the daemon's own %s = %s: the test tests nothing", name, got)
		}
	}
	// Signals 32 and 33 are the C library's own: no program can set them, and
	// whoever started this test may have left one ignored.
	const libc = 1<<(32-1) | 1<<(33-1)
	for _, name := range []string{"SigBlk", "SigIgn", "SigCgt"} {
		got, err := strconv.ParseUint(field(t, out, name), 16, 64)
		if err != nil || got&^libc != 0 {
			t.Errorf("child's %s = %#x, %v; want no signal", name, got, err)
		}
	}
}

// A daemon that is PID 1 gets the orphans of its children, as a subreaper does.
func TestReapCollectsOrphans(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatalf("prctl(PR_SET_CHILD_SUBREAPER) = %v", err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	r := newRig(t)
	c := r.start(sh(`exec 3<&0; (read x <&3; exit 23) & echo $!; exit 4`))
	var out collector
	go c.Stdout.Serve(out.add) // ends with the orphan
	if got := r.ended(c.PID); got.ExitStatus() != 4 {
		t.Errorf("child's wait status = %#x, want exit status 4", got)
	}
	_ = c.Stdin.Close() // lets the orphan end
	await(t, c.Stdout.Done(), "the orphan's end")
	orphan, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatalf("orphan's pid: %v", err)
	}
	if got := r.ended(orphan); got.ExitStatus() != 23 {
		t.Errorf("orphan's wait status = %#x, want exit status 23", got)
	}
}

func TestReapReportsWhatEndedBeforeIt(t *testing.T) {
	s := NewSpawner()
	defer s.Close()
	want := map[int]int{}
	for code := range 5 {
		c, err := s.Spawn(sh("exit " + strconv.Itoa(code)))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Stdin.Close()
		_ = c.Stdout.Close()
		_ = c.Stderr.Close()
		want[c.PID] = code
	}
	for pid := range want {
		eventually(t, "a zombie", func() bool {
			var info unix.Siginfo
			err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
			return err == nil
		})
	}
	stop := make(chan struct{})
	s.Reap(stop, func(e Exit) {
		if code, ok := want[e.PID]; !ok || e.Status.ExitStatus() != code {
			t.Errorf("Reap reported pid %d, status %#x; want one of %v", e.PID, e.Status, want)
		}
		if delete(want, e.PID); len(want) == 0 {
			close(stop)
		}
	})
}

// What 1,000 children cost: no thread each, and about 10 MB in all.
func TestThousandChildrenNeedFewThreads(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts 1,000 processes")
	}
	const children, maxThreads, maxKB = 1000, 20, 16 << 10
	r := newRig(t)
	before := self(t, "VmRSS")
	for range children {
		c := r.start(command("/bin/sleep", "1000"))
		go c.Stdout.Serve(func([]byte) {}) // ends with the child
		go c.Stderr.Serve(func([]byte) {}) // ends with the child
	}
	threads, kb := self(t, "Threads"), self(t, "VmRSS")
	t.Logf("%d children: %d threads, RSS %d kB (%d kB before them)", children, threads, kb, before)
	if threads > maxThreads {
		t.Errorf("%d threads for %d children, want at most %d", threads, children, maxThreads)
	}
	if !raceEnabled && kb-before > maxKB {
		t.Errorf("%d children cost %d kB, want at most %d", children, kb-before, maxKB)
	}
}

// self returns a number from /proc/self/status.
func self(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(field(t, string(status), name))[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
