package childlog

import (
	"strings"
	"testing"
)

// inspections are the plain stream and each thing that looks at its bytes.
var inspections = []struct {
	name string
	size int // of a chunk, in bytes
	o    StreamOptions
}{
	{"plain/line", 80, StreamOptions{}},
	{"plain/4KiB", 4 << 10, StreamOptions{}},
	{"plain/64KiB", 64 << 10, StreamOptions{}},
	{"capture/64KiB", 64 << 10, StreamOptions{CaptureMaxBytes: 1 << 20}},
	{"strip/64KiB", 64 << 10, StreamOptions{StripANSI: true}},
	{"events/64KiB", 64 << 10, StreamOptions{OnLog: func([]byte) {}}},
}

// chunkOf returns lines of log, size bytes in all.
func chunkOf(size int) []byte {
	const line = "2026-01-02 03:04:05 \x1b[32mINFO\x1b[0m something of some length happened <here>\n"
	return []byte(strings.Repeat(line, size/len(line)+1)[:size])
}

// benchStream opens a log in a folder of the test, and a stream to it.
func benchStream(tb testing.TB, o StreamOptions, maxBytes int64) *Stream {
	f := OpenFile(FileOptions{Path: tb.TempDir() + "/log", MaxBytes: maxBytes, Backups: 1})
	tb.Cleanup(f.Close)
	o.Log = f
	return NewStream(o)
}

// TestWriteAllocatesNothing holds the way of a chunk from the reader to the
// log free of garbage. Rotation is left out: its paths are texts.
func TestWriteAllocatesNothing(t *testing.T) {
	for _, tt := range inspections {
		s := benchStream(t, tt.o, 0)
		chunk := chunkOf(tt.size)
		if got := testing.AllocsPerRun(20, func() { s.Write(chunk) }); got > 0 {
			t.Errorf("%s: Write of %d bytes makes %v allocations, want none", tt.name, tt.size, got)
		}
	}
}

// TestRotationAllocatesLittle bounds what a rotation with one backup costs.
func TestRotationAllocatesLittle(t *testing.T) {
	s := benchStream(t, StreamOptions{}, 4096)
	chunk := chunkOf(4096)
	const most = 15
	if got := testing.AllocsPerRun(20, func() { s.Write(chunk) }); got > most {
		t.Errorf("a write that rotates makes %v allocations, want at most %d", got, most)
	}
}

// BenchmarkWrite measures the way of a chunk from the reader to the log: B/s
// and allocations, without rotation and with one for each 1 MiB and 64 MiB.
func BenchmarkWrite(b *testing.B) {
	for _, rotation := range []struct {
		name     string
		maxBytes int64
	}{{"never", 0}, {"1MiB", 1 << 20}, {"64MiB", 64 << 20}} {
		for _, bc := range inspections {
			b.Run(bc.name+"/"+rotation.name, func(b *testing.B) {
				s := benchStream(b, bc.o, rotation.maxBytes)
				chunk := chunkOf(bc.size)
				b.SetBytes(int64(bc.size))
				b.ReportAllocs()
				for b.Loop() {
					s.Write(chunk)
				}
			})
		}
	}
}
