package osproc

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// counter is a sink that keeps the end of the stream.
type counter struct {
	chunks, bytes atomic.Int64
	end           collector // what came after the zeros
}

func (c *counter) add(p []byte) {
	c.chunks.Add(1)
	c.bytes.Add(int64(len(p)))
	if text := strings.TrimLeft(string(p), "\x00"); text != "" {
		c.end.add([]byte(text))
	}
}

// flooding starts a child that writes 100 bytes at a time, then what script
// does, and serves its stdout as a bulk stream.
func flooding(t *testing.T, r *rig, script string) (*Child, *counter) {
	t.Helper()
	c := r.start(sh(script))
	var out counter
	c.Stdout.Bulk()
	go c.Stdout.Serve(out.add) // ends by the test, or with its child
	return c, &out
}

func TestBulkReadsAFloodOfLinesInFewChunks(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	c, out := flooding(t, r, `dd if=/dev/zero bs=100 count=200000 2>/dev/null; echo calm; read x; echo more; read x`)
	eventually(t, "the end of the flood", func() bool { return out.end.String() == "calm\n" })
	took := time.Since(began)
	if got, want := out.bytes.Load(), int64(200000*100+len("calm\n")); got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	// 32 chunks begin a flood, 16 ms without any end it.
	if got, most := out.chunks.Load(), 200+3*took.Milliseconds(); got > most {
		t.Errorf("got %d chunks in %v, want at most %d", got, took, most)
	}
	// The poller has to take the pipe back, and to find what it brings.
	eventually(t, "the poller's pipe", func() bool {
		conn, err := c.Stdout.File().SyscallConn()
		return err == nil && conn.Control(func(uintptr) {}) == nil
	})
	if err := c.Stdin.Write([]byte("go on\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a line after the flood", func() bool { return out.end.String() == "calm\nmore\n" })
	if err := c.Stdin.Write([]byte("end\n")); err != nil {
		t.Fatal(err)
	}
	await(t, c.Stdout.Done(), "the end of the stream")
	if got := r.memory.wide.Load(); got != 0 {
		t.Errorf("%d pipes count as wide after the end, want 0", got)
	}
}

func TestGatherTakesAFloodInBulkOnlyForThoseWhoAreBehind(t *testing.T) {
	for _, behind := range []bool{false, true} {
		r := newRig(t)
		c := r.start(sh(`dd if=/dev/zero bs=100 count=100000 2>/dev/null; echo end`))
		first := c.Stdout.File()
		var out counter
		longest := 0
		c.Stdout.Gather(func() bool { return behind })
		c.Stdout.Serve(func(p []byte) {
			longest = max(longest, len(p))
			out.add(p)
		})
		if got, want := out.bytes.Load(), int64(100000*100+len("end\n")); got != want || out.end.String() != "end\n" {
			t.Errorf("behind %v: got %d bytes that end with %q, want %d and end", behind, got, out.end.String(), want)
		}
		// A pipe that is read in bulk leaves the poller, which closes the file.
		if c.Stdout.File() != first && !behind {
			t.Errorf("behind %v: read in bulk", behind)
		}
		if longest > bufferSize {
			t.Errorf("behind %v: got a chunk of %d bytes, want at most %d", behind, longest, bufferSize)
		}
		if few := out.chunks.Load() < 4000; behind && !few {
			t.Errorf("behind %v: got %d chunks of 100 bytes and more, want few", behind, out.chunks.Load())
		}
	}
}

func TestWholeLinesCutsAtLinesOrCharacters(t *testing.T) {
	pad := func(n int, end string) string { return strings.Repeat("x", n-len(end)) + end }
	for _, tt := range []struct {
		name string
		in   []string
		want []int // lengths of the chunks
	}{
		{"chunks that were not cut", []string{"a", "b\nc"}, []int{1, 3}},
		{"a line goes on", []string{pad(gatherSize, "\nabc"), "def\n"}, []int{gatherSize - 3, 7}},
		{"a chunk ends with a line", []string{pad(gatherSize, "\n"), "def\n"}, []int{gatherSize, 4}},
		{"lines go on twice", []string{pad(gatherSize, "\nabc"), pad(gatherSize, "\nde"), "f"}, []int{gatherSize - 3, gatherSize + 1, 3}},
		{"no line ends", []string{pad(gatherSize, ""), "def"}, []int{gatherSize, 3}},
		{"a character goes on", []string{pad(gatherSize, "\xe2\x82"), "\xac"}, []int{gatherSize - 2, 3}},
		{"a whole character", []string{pad(gatherSize, "\xe2\x82\xac"), "a"}, []int{gatherSize, 1}},
		{"no character", []string{pad(gatherSize, "\xff\x82\x82\x82\x82"), "a"}, []int{gatherSize, 1}},
		{"nothing comes after the cut", []string{pad(gatherSize, "\nabc")}, []int{gatherSize - 3, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			var all strings.Builder
			lines := wholeLines{memory: &newPipeMemory().large, sink: func(p []byte) {
				got = append(got, len(p))
				all.Write(p)
			}}
			for _, chunk := range tt.in {
				lines.add([]byte(chunk))
			}
			lines.flush()
			if !slices.Equal(got, tt.want) {
				t.Errorf("got chunks of %v bytes, want %v", got, tt.want)
			}
			if all.String() != strings.Join(tt.in, "") {
				t.Error("got other bytes than went in")
			}
		})
	}
}

func TestDrainAndCloseEndAFlood(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*Pipe)
	}{
		{"Drain", (*Pipe).Drain},
		{"Close", func(p *Pipe) { _ = p.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			c, out := flooding(t, r, `dd if=/dev/zero bs=100 2>/dev/null & exit 0`)
			r.ended(c.PID)
			eventually(t, "a flood", func() bool { return out.bytes.Load() > 1<<20 })
			tt.end(c.Stdout)
			await(t, c.Stdout.Done(), "Serve")
			seen := out.bytes.Load()
			eventually(t, "the end of the grandchild by SIGPIPE", func() bool { return Kill(c.PID, 0, true) != nil })
			if got := out.bytes.Load(); got != seen {
				t.Errorf("the sink got %d bytes after the end", got-seen)
			}
		})
	}
}

func TestDrainDeliversTheEndOfAFlood(t *testing.T) {
	r := newRig(t)
	for i := range 10 {
		c := r.start(sh(`dd if=/dev/zero bs=100 count=20000 2>/dev/null; echo end`))
		out := &counter{}
		if i%2 == 0 {
			c.Stdout.Bulk()
		} else {
			c.Stdout.Gather(func() bool { return true })
		}
		go c.Stdout.Serve(out.add) // ends by Drain
		r.ended(c.PID)
		c.Stdout.Drain()
		await(t, c.Stdout.Done(), "Serve")
		if got, want := out.bytes.Load(), int64(20000*100+len("end\n")); got != want || out.end.String() != "end\n" {
			t.Errorf("got %d bytes that end with %q, want %d and end", got, out.end.String(), want)
		}
	}
}

func TestFullPipesAreEnlargedWhereThereIsRoom(t *testing.T) {
	for _, tt := range []struct {
		name  string
		taken int32
		bulk  bool
		want  int
	}{
		{"bulk", 0, true, widePipe},
		{"bulk without room", mostWide, true, bufferSize},
		{"events", 0, false, bufferSize},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.memory.wide.Store(tt.taken)
			c := r.start(sh(`exec dd if=/dev/zero bs=64k 2>/dev/null`))
			if tt.bulk {
				c.Stdout.Bulk()
			}
			var out counter
			go c.Stdout.Serve(out.add) // ends with the child, which the rig kills
			eventually(t, "a flood", func() bool { return out.bytes.Load() > 32<<20 })
			conn, err := c.Stdout.File().SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			var got int
			_ = conn.Control(func(fd uintptr) { got, err = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) })
			if err != nil || got != tt.want {
				t.Errorf("the pipe holds %d bytes, %v; want %d", got, err, tt.want)
			}
			if err := Kill(c.PID, unix.SIGKILL, true); err != nil {
				t.Error(err)
			}
			await(t, c.Stdout.Done(), "the end")
			if got := r.memory.wide.Load(); got != tt.taken {
				t.Errorf("%d pipes count as wide after the end, want %d", got, tt.taken)
			}
		})
	}
}
