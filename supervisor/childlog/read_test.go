package childlog

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
)

func TestReadingAnswersAsTheReference(t *testing.T) {
	type reading struct {
		Content string `json:"content"`
		Offset  int64  `json:"offset"`
		Length  int64  `json:"length"`
		Missing bool   `json:"missing"`
	}
	var cases []reading
	for _, content := range []string{"", "0123456789"} {
		for offset := int64(-12); offset <= 12; offset++ {
			for length := int64(-12); length <= 12; length++ {
				cases = append(cases, reading{content, offset, length, offset == length})
			}
		}
		cases = append(cases, reading{content, 1 << 31, 5, false}, reading{content, 5, 1 << 31, false},
			reading{content, -1 << 31, 0, false}, reading{content, -1 << 31, 1 << 31, false})
	}
	var want []struct {
		Read string
		Tail []any
	}
	reference(t, "read", cases, &want)
	dir := t.TempDir()
	for i, c := range cases {
		path := filepath.Join(dir, "log")
		put(t, path, c.Content)
		if c.Missing {
			path += "-missing"
		}
		data, err := ReadFile(path, c.Offset, c.Length)
		got := string(data)
		switch {
		case errors.Is(err, ErrBadArguments):
			got = "fault BAD_ARGUMENTS"
		case errors.Is(err, ErrFailed):
			got = "fault FAILED"
		case err != nil:
			got = err.Error()
		}
		if got != want[i].Read {
			t.Errorf("ReadFile(%+v): got %q, want %q", c, got, want[i].Read)
		}
		text, next, overflow := readTail(t, path, c.Offset, c.Length)
		tail := want[i].Tail
		if text != tail[0] || float64(next) != tail[1] || overflow != tail[2] {
			t.Errorf("OpenTail(%+v): got %q, %d, %t, want %v", c, text, next, overflow, tail)
		}
	}
}

// readTail reads the end of a log; nothing where it cannot be opened.
func readTail(t *testing.T, path string, offset, length int64) (text string, next int64, overflow bool) {
	t.Helper()
	part, next, overflow, err := OpenTail(path, offset, length)
	if err != nil {
		return "", next, overflow
	}
	defer func() { _ = part.Close() }()
	data, err := io.ReadAll(part)
	if err != nil {
		t.Error(err)
	}
	return string(data), next, overflow
}

func TestReadingAFifoOrAFolderFailsAtOnce(t *testing.T) {
	for _, path := range []string{fifo(t), t.TempDir()} {
		if data, err := ReadFile(path, 0, 10); !errors.Is(err, ErrFailed) {
			t.Errorf("ReadFile(%q): got %q, %v, want %v", path, data, err, ErrFailed)
		}
		if _, next, overflow, err := OpenTail(path, 3, 10); !errors.Is(err, ErrFailed) || next != 3 || overflow {
			t.Errorf("OpenTail(%q): got %d, %t, %v, want the offset again", path, next, overflow, err)
		}
	}
}
