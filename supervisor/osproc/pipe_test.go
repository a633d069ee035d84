package osproc

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestRedirectStderrKeepsTheOrder(t *testing.T) {
	r := newRig(t)
	spec := sh(`i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`)
	spec.RedirectStderr = true
	c := r.start(spec)
	if c.Stderr != nil {
		t.Errorf("Child.Stderr = %v, want nil", c.Stderr)
	}
	var out collector
	c.Stdout.Serve(out.add)
	var want strings.Builder
	for i := range 300 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	if got := out.String(); got != want.String() {
		t.Errorf("output is not in the order of the writes: %d bytes, want %d", len(got), want.Len())
	}
}

func TestServeDeliversHugeOutput(t *testing.T) {
	r := newRig(t)
	const lines = 2 << 20
	c := r.start(sh(fmt.Sprintf("seq %d", lines)))
	sum, size := crc32.NewIEEE(), 0
	c.Stdout.Serve(func(p []byte) {
		_, _ = sum.Write(p)
		size += len(p)
	})
	var want []byte
	for i := range int64(lines) {
		want = append(strconv.AppendInt(want, i+1, 10), '\n')
	}
	if size != len(want) || sum.Sum32() != crc32.ChecksumIEEE(want) {
		t.Errorf("got %d bytes, CRC %x; want %d, %x", size, sum.Sum32(), len(want), crc32.ChecksumIEEE(want))
	}
	if got := r.ended(c.PID); got.ExitStatus() != 0 {
		t.Errorf("wait status = %#x, want exit status 0", got)
	}
}

func TestServeEndsWhenTheChildClosesItsOutput(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`echo bye; exec >&- 2>&-; read x; exit 7`))
	var out collector
	c.Stdout.Serve(out.add)
	if out.String() != "bye\n" {
		t.Errorf("output = %q, want bye", out.String())
	}
	if err := c.Stdin.Write([]byte("end\n")); err != nil {
		t.Errorf("Write to the living child = %v", err)
	}
	if got := r.ended(c.PID); got.ExitStatus() != 7 {
		t.Errorf("wait status = %#x, want exit status 7", got)
	}
}

func TestDrainDeliversTheLastWords(t *testing.T) {
	r := newRig(t)
	// The grandchild keeps the pipes open, and silent.
	c := r.start(sh(`sleep 1000 & head -c 60000 /dev/zero | tr '\0' x; echo end`))
	r.ended(c.PID)
	c.Stdout.Drain() // before Serve, even
	var out collector
	go c.Stdout.Serve(out.add) // ends by Drain
	await(t, c.Stdout.Done(), "Serve")
	if want := strings.Repeat("x", 60000) + "end\n"; out.String() != want {
		t.Errorf("output has %d bytes, want %d", len(out.String()), len(want))
	}
}

func TestDrainEndsAParkedServe(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`sleep 1000 & echo end`))
	var out collector
	go c.Stdout.Serve(out.add) // ends by Drain
	r.ended(c.PID)
	eventually(t, "the output", func() bool { return out.String() == "end\n" })
	c.Stdout.Drain()
	await(t, c.Stdout.Done(), "Serve")
}

func TestDrainDoesNotWaitForABusyGrandchild(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`yes & exit 0`))
	var mu sync.Mutex
	size := 0
	go c.Stdout.Serve(func(p []byte) { // ends by Drain
		mu.Lock()
		defer mu.Unlock()
		size += len(p)
	})
	r.ended(c.PID)
	eventually(t, "a busy grandchild", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return size > 1<<20
	})
	c.Stdout.Drain()
	await(t, c.Stdout.Done(), "Serve")
	eventually(t, "the end of the grandchild by SIGPIPE", func() bool {
		return Kill(c.PID, 0, true) != nil
	})
}

func TestCloseEndsServe(t *testing.T) {
	r := newRig(t)
	c := r.start(command("/bin/sleep", "1000"))
	go c.Stdout.Serve(func([]byte) {}) // ends by Close
	if err := c.Stdout.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	await(t, c.Stdout.Done(), "Serve")
	_ = c.Stderr.Close()
	c.Stderr.Serve(func(p []byte) { t.Errorf("sink after Close got %q", p) })
	c.Stderr.Drain()
}

func TestServeReadsBlocksOf64KiB(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`head -c 65536 /dev/zero; sleep 1000`))
	conn, err := c.Stdout.File().SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a full pipe", func() bool {
		size := 0
		_ = conn.Control(func(fd uintptr) { size = held(fd) })
		return size == 65536
	})
	chunks := make(chan int, 100)
	go c.Stdout.Serve(func(p []byte) { chunks <- len(p) }) // ends with the test
	if got := <-chunks; got != 65536 {
		t.Errorf("first chunk has %d bytes, want all 65536", got)
	}
}

func TestStdinKeepsWhatTheChildDoesNotRead(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`kill -STOP $$; exec cat`))
	var out collector
	go c.Stdout.Serve(out.add) // ends with the child
	var want bytes.Buffer
	for i := 0; want.Len() < 3<<20; i++ {
		line := fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("x", i%997))
		want.Write(line)
		if err := c.Stdin.Write(line); err != nil {
			t.Fatalf("Write %d = %v", i, err)
		}
	}
	if got := c.Stdin.Pending(); got < 2<<20 || got >= want.Len() {
		t.Errorf("Pending() = %d, want most of %d", got, want.Len())
	}
	eventually(t, "the child's stop", func() bool {
		_ = Kill(c.PID, syscall.SIGCONT, false)
		return c.Stdin.Pending() == 0
	})
	if err := c.Stdin.Write([]byte("last")); err != nil {
		t.Errorf("Write after the backlog = %v", err)
	}
	want.WriteString("last")
	eventually(t, "the echo", func() bool { return len(out.String()) == want.Len() })
	_ = c.Stdin.Close()
	await(t, c.Stdout.Done(), "the end of cat")
	if out.String() != want.String() {
		t.Errorf("the child got %d bytes in another order", want.Len())
	}
}
