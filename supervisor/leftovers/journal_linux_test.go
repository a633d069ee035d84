package leftovers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sleeper starts a process in a session of its own.
func sleeper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// claim is Claim that must succeed.
func claim(t *testing.T, path string) (*Journal, []Found, int) {
	t.Helper()
	j, found, damaged, err := Claim(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close(false) })
	return j, found, damaged
}

func TestLeftoverIsFoundSignalledAndSeenToEnd(t *testing.T) {
	t.Parallel()
	for _, pidfds := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "state")
		cmd := sleeper(t)
		j, _, _ := claim(t, path)
		entry := Entry{Group: "g", Name: "n", PID: cmd.Process.Pid, Rules: Rules{StopSignal: 15, KillAsGroup: true}}
		j.Born(entry)
		j.Close(false)
		_, found, damaged := claim(t, path)
		if len(found) != 1 || found[0].PID != cmd.Process.Pid || found[0].Rules != entry.Rules || damaged != 0 {
			t.Fatalf("Claim found %+v, %d damaged, want %+v", found, damaged, entry)
		}
		p := found[0].Process
		if !pidfds {
			_ = p.pidfd.Close()
			p.pidfd = nil
		}
		ended := make(chan bool)
		go func() { // ends with the process
			end, ok := p.Wait()
			if end.Known && end.Status.Signal() != syscall.SIGKILL {
				t.Errorf("Wait = %v, want an end by SIGKILL", end.Status)
			}
			ended <- ok
		}()
		if err := p.Signal(syscall.SIGKILL, true); err != nil {
			t.Errorf("Signal(SIGKILL, group) = %v", err)
		}
		_ = cmd.Wait() // it is this process's child
		if !<-ended {
			t.Error("Wait = false, want true for a process that was killed")
		}
		if err := p.Signal(syscall.SIGKILL, false); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("Signal to a process that has ended: %v, want ESRCH", err)
		}
		p.Close()
	}
}

// TestStrangerIsNeverTaken: the same pid, of another time or another boot, is
// another process.
func TestStrangerIsNeverTaken(t *testing.T) {
	t.Parallel()
	cmd := sleeper(t)
	s, err := readStat(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	true1 := Entry{Group: "g", Name: "n", PID: cmd.Process.Pid, Start: s.start, World: world()}
	for name, change := range map[string]func(*Entry){
		"itself":           func(*Entry) {},
		"an earlier start": func(e *Entry) { e.Start-- },
		"a later start":    func(e *Entry) { e.Start++ },
		"another boot":     func(e *Entry) { e.World = "0" + e.World },
		"no boot":          func(e *Entry) { e.World = "" },
		"this process":     func(e *Entry) { e.PID = os.Getpid() },
		"every process":    func(e *Entry) { e.PID = -1 },
		"init":             func(e *Entry) { e.PID = 1 },
	} {
		e := true1
		change(&e)
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, lines(t, e), 0o600); err != nil {
			t.Fatal(err)
		}
		_, found, _ := claim(t, path)
		if got, want := len(found) == 1, name == "itself"; got != want {
			t.Errorf("%s (%+v): found = %v, want %v", name, e, got, want)
		}
		for _, f := range found {
			f.Process.Close()
		}
	}
}

// TestJournalHealsItself: what others do to the file is made good by the next
// entry.
func TestJournalHealsItself(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string) error{
		"deleted":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 10) },
		"noise": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write(make([]byte, 5000))
				_ = f.Close()
			}
			return err
		},
		"replaced": func(path string) error {
			_ = os.Remove(path)
			return os.WriteFile(path, []byte("something else"), 0o600)
		},
	} {
		path := filepath.Join(t.TempDir(), "state")
		j, _, _ := claim(t, path)
		first, second := sleeper(t), sleeper(t)
		j.Born(Entry{Group: "g", Name: "first", PID: first.Process.Pid})
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
		j.Born(Entry{Group: "g", Name: "second", PID: second.Process.Pid})
		j.Close(false)
		_, found, damaged := claim(t, path)
		if len(found) != 2 || damaged != 0 {
			t.Errorf("%s: Claim found %d, %d lines damaged, want both and none", name, len(found), damaged)
		}
		for _, f := range found {
			f.Process.Close()
		}
	}
}

// TestJournalSaysOnceThatItCannotWrite, and that it can again.
func TestJournalSaysOnceThatItCannotWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j, _, _ := claim(t, filepath.Join(dir, "state"))
	var said []string
	j.Report = func(text string) { said = append(said, text) }
	cmd := sleeper(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		j.Born(Entry{Group: "g", Name: fmt.Sprint(i), PID: cmd.Process.Pid})
	}
	if len(said) != 1 {
		t.Errorf("it said %q while the folder is gone, want one line", said)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j.Born(Entry{Group: "g", Name: "last", PID: cmd.Process.Pid})
	j.Close(false)
	_, found, _ := claim(t, j.path)
	if len(said) != 2 || len(found) != 6 {
		t.Errorf("it said %q and kept %d entries, want two lines and 6", said, len(found))
	}
	for _, f := range found {
		f.Process.Close()
	}
}

// TestJournalBeginsLate: what could not be opened at first is opened when it can
// be, and then told of everything.
func TestJournalBeginsLate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "folder")
	j, _, _, err := Claim(filepath.Join(dir, "state"))
	if err == nil {
		t.Fatal("Claim in a folder that is not there succeeded")
	}
	var said []string
	j.Report = func(text string) { said = append(said, text) }
	cmd := sleeper(t)
	j.Born(Entry{Group: "g", Name: "first", PID: cmd.Process.Pid})
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j.Born(Entry{Group: "g", Name: "second", PID: cmd.Process.Pid})
	j.Close(false)
	_, found, _ := claim(t, j.path)
	if len(said) != 1 || len(found) != 2 {
		t.Errorf("it said %q and kept %d entries, want one line and 2", said, len(found))
	}
	for _, f := range found {
		f.Process.Close()
	}
}

// TestLeftoversAreFoundOnAReadOnlyDisk: they are even where they cannot be noted.
func TestLeftoversAreFoundOnAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("state", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("cannot mount a tmpfs (root's right): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	j, _, _ := claim(t, filepath.Join(dir, "state"))
	cmd := sleeper(t)
	j.Born(Entry{Group: "g", Name: "n", PID: cmd.Process.Pid})
	j.Close(false)
	var err error
	for end := time.Now().Add(time.Minute); ; { // a child of another test may have the file still
		if err = syscall.Mount("state", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err == nil || time.Now().After(end) {
			break
		}
		<-time.After(time.Millisecond)
	}
	if err != nil {
		t.Fatalf("remount: %v", err)
	}
	j, found, _, err := Claim(j.path)
	if err == nil || len(found) != 1 {
		t.Errorf("Claim on a read-only disk: %v, found %d, want an error and 1", err, len(found))
	}
	for _, f := range found {
		f.Process.Close()
	}
	j.Close(false)
}

// TestJournalStaysShort: a crash loop does not fill the disk.
func TestJournalStaysShort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _, _ := claim(t, path)
	for range 10000 {
		j.Intend(Entry{Group: "g", Name: "n"})
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(2 * spareRoom); info.Size() > limit {
		t.Errorf("the file has %d bytes after 10,000 entries about one process, want %d at most", info.Size(), limit)
	}
}

// TestBirthThatNobodyNotedIsFound: the daemon was killed between the birth and
// the note of it, which leaves the intent.
func TestBirthThatNobodyNotedIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _, _ := claim(t, path)
	rules := Rules{StopSignal: 2, StopAsGroup: true}
	j.Intend(Entry{Group: "some group", Name: "unnoted", Rules: rules})
	j.Close(false)
	// The shell's child has this process as its parent no more when the shell
	// has ended.
	script := `SUPERVISOR_GROUP_NAME='some group' SUPERVISOR_PROCESS_NAME=unnoted setsid sleep 1000 >/dev/null 2>&1 & echo $!`
	said, err := exec.Command("/bin/sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(said)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	for end := time.Now().Add(time.Minute); ; {
		if text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(text) == "sleep\n" || time.Now().After(end) {
			break
		}
		<-time.After(time.Millisecond)
	}
	_, found, _ := claim(t, path)
	if len(found) != 1 || found[0].PID != pid || found[0].Rules != rules {
		t.Fatalf("Claim found %+v, want pid %d with %+v", found, pid, rules)
	}
	found[0].Process.Close()
}

// TestJournalIsWrittenOnAFullDisk: the room was taken in advance, and is used
// again when it is used up.
func TestJournalIsWrittenOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("state", dir, "tmpfs", 0, "size=300k"); err != nil {
		t.Skipf("cannot mount a small tmpfs (root's right): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := filepath.Join(dir, "state")
	j, _, _ := claim(t, path)
	j.Report = func(text string) { t.Errorf("it says %q, want that it goes on", text) }
	if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full: the test tests nothing")
	}
	cmd := sleeper(t)
	for range 2000 {
		e := Entry{Group: "g", Name: "n", PID: cmd.Process.Pid}
		j.Intend(e)
		j.Born(e)
	}
	j.Close(false)
	j, found, damaged := claim(t, path) // the disk is full still
	if len(found) != 1 || damaged != 0 {
		t.Errorf("Claim found %d, %d lines damaged, want 1 and none", len(found), damaged)
	}
	for _, f := range found {
		f.Process.Close()
	}
	j.Close(false)
}
