package childlog

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rotation is a log's life: what lies there before, and the sizes written.
type rotation struct {
	Max     int64          `json:"max"`
	Backups int            `json:"backups"`
	Before  map[string]int `json:"before"`
	Writes  []int          `json:"writes"`
}

func TestRotationLeavesTheFilesThatTheReferenceLeaves(t *testing.T) {
	cases := []rotation{
		{Max: 0, Backups: 3, Writes: []int{100, 100}},
		{Max: 10, Backups: 2, Writes: []int{9, 1, 5}},          // exactly at the limit
		{Max: 10, Backups: 2, Writes: []int{9, 5, 1}},          // beyond it
		{Max: 10, Backups: 2, Writes: []int{1000, 1, 1000, 3}}, // one write of many times the limit
		{Max: 10, Backups: 0, Writes: []int{9, 1, 5}},
		{Max: 10, Backups: 1, Writes: []int{10, 10, 10}},
		{Max: 10, Backups: 3, Before: map[string]int{"log": 50}, Writes: []int{1, 1}},
		{Max: 10, Backups: 3, Before: map[string]int{"log": 10, "log.1": 1, "log.3": 3, "log.4": 4}, Writes: []int{1, 11}},
		{Max: 10, Backups: 2, Before: map[string]int{"log.1": 1, "log.2": 2, "log.9": 3}, Writes: []int{10, 10}},
		{Max: 10, Backups: 12, Writes: slices.Repeat([]int{10}, 15)},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		c := rotation{Max: random.Int64N(60), Backups: random.IntN(5), Before: map[string]int{}, Writes: []int{}}
		for i := range random.IntN(4) {
			c.Before[[]string{"log", "log.1", "log.2", "log.5"}[i]] = random.IntN(80)
		}
		for range random.IntN(20) {
			c.Writes = append(c.Writes, 1+random.IntN(70))
		}
		cases = append(cases, c)
	}
	var want []map[string]string
	for i := range cases {
		if cases[i].Before == nil {
			cases[i].Before = map[string]int{}
		}
	}
	reference(t, "rotate", cases, &want)
	for i, c := range cases {
		if got := live(t, c); !maps.Equal(got, want[i]) {
			t.Errorf("%+v\n got %q\nwant %q", c, got, want[i])
		}
	}
}

// live gives a File the life c and returns the files that it leaves.
func live(t *testing.T, c rotation) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for name, size := range c.Before {
		put(t, filepath.Join(dir, name), strings.Repeat(name[len(name)-1:], size))
	}
	f := OpenFile(FileOptions{Path: filepath.Join(dir, "log"), MaxBytes: c.Max, Backups: c.Backups, Report: failOnReport(t)})
	for i, size := range c.Writes {
		f.Write(bytes.Repeat([]byte{byte('a' + i%26)}, size))
	}
	f.Close()
	return files(t, dir)
}

func TestRotationThatCannotRenameGoesOnAndRecovers(t *testing.T) {
	clock, reports := newClock(), &reporter{}
	path := filepath.Join(t.TempDir(), "log")
	// A folder in the place of the backup cannot be replaced, not even by root.
	must(t, os.MkdirAll(path+".1/x", 0o755))
	f := openFile(FileOptions{Path: path, MaxBytes: 10, Backups: 1, Report: reports.add}, clock.now)
	defer f.Close()
	for range 5 {
		f.Write([]byte("0123456789"))
	}
	reports.expect(t, "40 could not rotate log '"+path+"': rename")
	if got, want := get(t, path), strings.Repeat("0123456789", 5); got != want {
		t.Fatalf("log that cannot be rotated: got %q, want %q", got, want)
	}
	must(t, os.RemoveAll(path+".1"))
	clock.advance(longestPause)
	f.Write([]byte("abc"))
	reports.expect(t, "20 log '"+path+"' can be rotated again")
	if got, want := get(t, path+".1"), strings.Repeat("0123456789", 5)+"abc"; got != want {
		t.Errorf("backup after recovery: got %q, want %q", got, want)
	}
	if got := get(t, path); got != "" {
		t.Errorf("log after recovery: got %q, want it empty", got)
	}
}

func TestRotationByAnotherWriterIsNotRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	o := FileOptions{Path: path, MaxBytes: 10, Backups: 5, Report: failOnReport(t)}
	clock := newClock()
	a, b := openFile(o, clock.now), openFile(o, clock.now)
	defer a.Close()
	defer b.Close()
	a.Write([]byte("aaaaaa"))
	clock.advance(lookEvery)
	b.Write([]byte("bbbb")) // sees 10 bytes: rotates
	clock.advance(lookEvery)
	a.Write([]byte("c")) // still to the old file: moves on, and shifts nothing
	a.Write([]byte("d"))
	b.Write([]byte("e"))
	want := map[string]string{"log": "de", "log.1": "aaaaaabbbbc"}
	if got := files(t, filepath.Dir(path)); !maps.Equal(got, want) {
		t.Errorf("two writers of one log:\n got %q\nwant %q", got, want)
	}
}

func TestRotationSeesATruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := OpenFile(FileOptions{Path: path, MaxBytes: 10, Backups: 5, Report: failOnReport(t)})
	defer f.Close()
	f.Write([]byte("012345678"))
	must(t, os.Truncate(path, 0)) // as logrotate's copytruncate does
	f.Write([]byte("abcdef"))
	want := map[string]string{"log": "abcdef"}
	if got := files(t, filepath.Dir(path)); !maps.Equal(got, want) {
		t.Errorf("after truncation from outside: got %q, want %q", got, want)
	}
}

func TestRotationThroughASymbolicLinkMovesTheLink(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "real")
	path := filepath.Join(dir, "log")
	must(t, os.Symlink(elsewhere, path))
	f := OpenFile(FileOptions{Path: path, MaxBytes: 4, Backups: 1, Report: failOnReport(t)})
	defer f.Close()
	f.Write([]byte("full"))
	f.Write([]byte("new"))
	want := map[string]string{"log": "new", "log.1": "full"}
	if got := files(t, dir); !maps.Equal(got, want) {
		t.Errorf("log through a link: got %q, want %q", got, want)
	}
	if got := get(t, elsewhere); got != "full" {
		t.Errorf("the link's target: got %q, want %q", got, "full")
	}
}

func TestRotatedFileIsCreatedUnderTheUmask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := OpenFile(FileOptions{Path: path, MaxBytes: 4, Backups: 1})
	defer f.Close()
	f.Write([]byte("full"))
	for _, name := range []string{path, path + ".1"} {
		st, err := os.Stat(name)
		must(t, err)
		if got := fmt.Sprintf("%o", st.Mode().Perm()); got != "644" && got != "640" && got != "600" {
			t.Errorf("mode of %s: got %s, want 644 less the umask", name, got)
		}
	}
}
