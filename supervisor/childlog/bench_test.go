package childlog

import (
	"strings"
	"testing"
)

// BenchmarkWrite measures the way of a chunk from the reader to the log: B/s
// and allocations, for the plain stream and for each thing that looks at bytes.
func BenchmarkWrite(b *testing.B) {
	for _, bc := range []struct {
		name string
		size int
		o    StreamOptions
	}{
		{"plain/line", 80, StreamOptions{}},
		{"plain/4KiB", 4 << 10, StreamOptions{}},
		{"plain/128KiB", 128 << 10, StreamOptions{}},
		{"capture/128KiB", 128 << 10, StreamOptions{CaptureMaxBytes: 1 << 20}},
		{"strip/128KiB", 128 << 10, StreamOptions{StripANSI: true}},
		{"events/128KiB", 128 << 10, StreamOptions{OnLog: func([]byte) {}}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			f := OpenFile(FileOptions{Path: b.TempDir() + "/log", MaxBytes: 64 << 20, Backups: 1})
			defer f.Close()
			bc.o.Log = f
			s := NewStream(bc.o)
			line := "2026-01-02 03:04:05 \x1b[32mINFO\x1b[0m something of some length happened <here>\n"
			chunk := []byte(strings.Repeat(line, bc.size/len(line)+1)[:bc.size])
			b.SetBytes(int64(bc.size))
			b.ReportAllocs()
			for b.Loop() {
				s.Write(chunk)
			}
		})
	}
}
