package rpc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// collected is what a stream has sent.
type collected struct {
	mu     sync.Mutex
	text   bytes.Buffer
	chunks int
}

func (c *collected) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunks++
	return c.text.Write(p)
}

func (c *collected) get() (string, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String(), c.chunks
}

// await waits until the stream has sent just what is wanted.
func (c *collected) await(t *testing.T, want string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		got, _ := c.get()
		if got == want {
			return
		}
		if time.Now().After(deadline) || len(got) > len(want) {
			t.Fatalf("the stream sent %q, want %q", shorten(got), shorten(want))
		}
		<-time.After(time.Millisecond)
	}
}

func shorten(s string) string {
	if len(s) > 400 {
		return s[:200] + "..." + s[len(s)-200:]
	}
	return s
}

// followed follows a file until the test ends.
func followed(t *testing.T, s *streams, path string) *collected {
	t.Helper()
	tail, err := openTail(path)
	if err != nil {
		t.Fatal(err)
	}
	out, gone := new(collected), make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() { // ends when gone is closed
		defer tail.close()
		if err := s.follow(out, tail, gone); err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	t.Cleanup(func() {
		close(gone)
		following.Wait()
	})
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestFollowSendsWhatHappensToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, strings.Repeat("x", 5000)+"last\n")
	s := newStreams()
	defer s.end()
	out := followed(t, s, path)
	want := strings.Repeat("x", tailBegin-5) + "last\n"
	out.await(t, want)

	write(t, path, "added\n")
	want += "added\n"
	out.await(t, want)

	for i := range 3 { // rotation, with more than one piece before the stream looks
		write(t, path, fmt.Sprintf("end of %d\n", i))
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil {
			t.Fatal(err)
		}
		write(t, path, fmt.Sprintf("begin of %d\n", i+1))
		want += fmt.Sprintf("end of %d\nbegin of %d\n", i, i+1)
		out.await(t, want)
	}

	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	want += truncated
	out.await(t, want)
	write(t, path, "anew\n")
	want += "anew\n"
	out.await(t, want)

	if err := os.Remove(path); err != nil { // clearing, and deletion
		t.Fatal(err)
	}
	write(t, path, "after clearing\n")
	want += "after clearing\n"
	out.await(t, want)

	folder := filepath.Dir(path)
	for _, remove := range []bool{false, true} { // the folder is replaced
		old := fmt.Sprintf("%s.%v", folder, remove)
		if err := os.Rename(folder, old); err != nil {
			t.Fatal(err)
		}
		if remove {
			if err := os.RemoveAll(old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("in a new folder, %v\n", remove)
		write(t, path, text)
		want += text
		out.await(t, want)
	}
}

// TestFollowKeepsCharactersWhole writes a character in two pieces.
func TestFollowKeepsCharactersWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, strings.Repeat("é", tailBegin)+"x") // the last kilobyte begins within one
	s := newStreams()
	defer s.end()
	out := followed(t, s, path)
	want := strings.Repeat("é", tailBegin/2-1) + "x"
	out.await(t, want)
	const text = "a€b"
	write(t, path, text[:2])
	out.await(t, want+"a")
	write(t, path, text[2:])
	out.await(t, want+text)
	write(t, path, "\xe9 latin\n") // no UTF-8 is sent as it is
	out.await(t, want+text+"\xe9 latin\n")
}

// TestFollowersShareAFile has many follow one file, which is then flooded.
func TestFollowersShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "")
	s := newStreams()
	defer s.end()
	var outs []*collected
	for range 100 {
		outs = append(outs, followed(t, s, path))
	}
	var want strings.Builder
	for i := range 2000 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		write(t, path, line)
	}
	for _, out := range outs {
		out.await(t, want.String())
	}
	if _, chunks := outs[0].get(); chunks > 1000 {
		t.Errorf("2000 small writes were sent in %d pieces, want them together", chunks)
	}
}
