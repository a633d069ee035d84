package osproc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestSpawnGivesWhatTheSpecSays(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	spec := sh(`echo "$0|$1|$A|$B|$(pwd)|$(umask)"; echo problem >&2; exit 3`)
	spec.Args = append(spec.Args, "zero", "one two")
	spec.Env = []string{"A=a b", "B="}
	spec.Dir = dir
	spec.Umask = 0o027
	stdout, stderr, status := r.run(spec)
	if want := "zero|one two|a b||" + dir + "|0027\n"; stdout != want {
		t.Errorf("stdout = %q, want %q", stdout, want)
	}
	if stderr != "problem\n" {
		t.Errorf("stderr = %q, want %q", stderr, "problem\n")
	}
	if !status.Exited() || status.ExitStatus() != 3 {
		t.Errorf("wait status = %#x, want exit status 3", status)
	}
}

func TestSpawnGivesChildItsOwnSession(t *testing.T) {
	needLinux(t)
	r := newRig(t)
	c := r.start(command("/bin/sleep", "1000"))
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.PID))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ") // state ppid pgrp session
	fields := strings.Fields(after)
	if want := strconv.Itoa(c.PID); fields[2] != want || fields[3] != want {
		t.Errorf("process group %s, session %s; want %s for both", fields[2], fields[3], want)
	}
}

func TestSpawnLeavesChildNoOtherDescriptor(t *testing.T) {
	needLinux(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	inherited, err := syscall.Dup(int(null.Fd())) // not close-on-exec, as from a careless parent
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	r := newRig(t)
	r.start(command("/bin/sleep", "1000")) // its pipes are not the next one's either
	out, _, _ := r.run(command("/bin/ls", "/proc/self/fd"))
	if want := "0\n1\n2\n3\n"; out != want { // 3 is ls reading the folder
		t.Errorf("child's descriptors = %q, want %q", out, want)
	}
}

func TestSpawnMakesChildsEndsBlocking(t *testing.T) {
	needLinux(t)
	r := newRig(t)
	out, _, _ := r.run(sh(`grep flags: /proc/self/fdinfo/0 /proc/self/fdinfo/1 /proc/self/fdinfo/2`))
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		flags, err := strconv.ParseInt(fields[len(fields)-1], 8, 64)
		if err != nil || flags&syscall.O_NONBLOCK != 0 {
			t.Errorf("fdinfo %q: want a descriptor without O_NONBLOCK", line)
		}
	}
	if n := strings.Count(out, "\n"); n != 3 {
		t.Errorf("fdinfo showed %d descriptors, want 3:\n%s", n, out)
	}
}

func TestSpawnPassesSocketAsBlockingStdin(t *testing.T) {
	needLinux(t)
	r := newRig(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "fcgi.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spec := sh(`readlink /proc/self/fd/0; grep flags: /proc/$$/fdinfo/0`)
	spec.Stdin = f
	for range 2 { // the socket serves one child after the other
		c := r.start(spec)
		if c.Stdin != nil {
			t.Errorf("Child.Stdin = %v, want nil beside a socket", c.Stdin)
		}
		var out collector
		c.Stdout.Serve(out.add)
		got := out.String()
		flags, err := strconv.ParseInt(strings.TrimSpace(got[strings.LastIndex(got, ":")+1:]), 8, 64)
		if !strings.HasPrefix(got, "socket:[") || err != nil || flags&syscall.O_NONBLOCK != 0 {
			t.Errorf("child's fd 0 is %q, want a blocking socket", got)
		}
	}
}

func TestSpawnKeepsUmaskFromTheDaemon(t *testing.T) {
	needLinux(t)
	r := newRig(t)
	before := syscall.Umask(0o022)
	defer syscall.Umask(before)
	dir := t.TempDir()
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Add(1)
	go func() { // ends when the children have been spawned
		defer busy.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := filepath.Join(dir, strconv.Itoa(i%100))
			f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				t.Error(err)
				return
			}
			info, _ := f.Stat()
			_ = f.Close()
			if got := info.Mode().Perm(); got != 0o644 {
				t.Errorf("a file made during Spawn has mode %o, want 644", got)
				return
			}
			_ = os.Remove(name)
		}
	}()
	spec := sh("umask")
	spec.Umask = 0o077
	for range 50 {
		if out, _, _ := r.run(spec); out != "0077\n" {
			t.Errorf("child's umask = %q, want 0077", out)
		}
	}
	close(stop)
	busy.Wait()
	spec.Umask = -1
	if out, _, _ := r.run(spec); out == "0077\n" {
		t.Errorf("umask of a child without one = %q, want the daemon's", out)
	}
}

func TestSpawnSetsAllIDs(t *testing.T) {
	needRoot(t)
	needLinux(t)
	r := newRig(t)
	spec := command("/bin/cat", "/proc/self/status")
	spec.Credential = &Credential{UID: 65534, GID: 65533, Groups: []int{65533, 4, 27}}
	out, stderr, _ := r.run(spec)
	if stderr != "" {
		t.Fatalf("stderr = %q", stderr)
	}
	for name, want := range map[string]string{
		"Uid": "65534 65534 65534 65534", // real, effective, saved, file system
		"Gid": "65533 65533 65533 65533",
		// The kernel sorts them.
		"Groups": "4 27 65533",
	} {
		if got := field(t, out, name); got != want {
			t.Errorf("child's %s = %s, want %s", name, got, want)
		}
	}
	if got := field(t, out, "CapEff"); got != "0000000000000000" {
		t.Errorf("child's CapEff = %s, want none", got)
	}
}

func TestSpawnAfterCloseFails(t *testing.T) {
	s := NewSpawner()
	s.Close()
	s.Close()
	_, err := s.Spawn(sh("exit 0"))
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("Spawn after Close = %v, want %v", err, os.ErrClosed)
	}
}

func TestCloseLeavesChildrenAlive(t *testing.T) {
	r := newRig(t)
	c := r.start(sh("read x; exit 9"))
	r.Close()
	if err := c.Stdin.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	if got := r.ended(c.PID); got.ExitStatus() != 9 {
		t.Errorf("wait status = %#x, want exit status 9", got)
	}
}

func TestSpawnStormReportsEachChildOnce(t *testing.T) {
	r := newRig(t)
	const spawners, each = 4, 125
	var wg sync.WaitGroup
	for i := range spawners {
		wg.Add(1)
		go func() { // ends after its share
			defer wg.Done()
			for j := range each {
				code := (i*each + j) % 200
				c, err := r.Spawn(sh(fmt.Sprintf("echo out; echo err >&2; exit %d", code)))
				if err != nil {
					t.Errorf("Spawn = %v", err)
					return
				}
				var out, errs collector
				go c.Stderr.Serve(errs.add) // ends with the child
				c.Stdout.Serve(out.add)
				<-c.Stderr.Done()
				_ = c.Stdin.Close()
				if out.String() != "out\n" || errs.String() != "err\n" {
					t.Errorf("output = %q, %q; want out, err", out.String(), errs.String())
				}
				if got := r.ended(c.PID); got.ExitStatus() != code {
					t.Errorf("wait status = %#x, want exit status %d", got, code)
				}
			}
		}()
	}
	wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exits) != spawners*each {
		t.Errorf("Reap reported %d ends, want %d", len(r.exits), spawners*each)
	}
}

func BenchmarkSpawn(b *testing.B) {
	r := newRig(b)
	spec := command("/bin/true")
	b.ReportAllocs()
	for b.Loop() {
		c, err := r.Spawn(spec)
		if err != nil {
			b.Fatal(err)
		}
		_ = c.Stdin.Close()
		_ = c.Stdout.Close()
		_ = c.Stderr.Close()
	}
}
