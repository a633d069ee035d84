package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trouble is something that befalls the folder of a log. It gets the folder,
// in which the program's log is called log.
type trouble struct {
	name   string
	begin  func(dir string) error
	mend   func(dir string) error
	silent bool // nothing is lost, so that there is nothing to say
}

var errNone error

// troubles are done to the log of a running program. The last one has a disk of
// its own.
var troubles = []trouble{
	{"the folder is deleted", func(dir string) error { return os.RemoveAll(dir) }, func(dir string) error { return os.Mkdir(dir, 0o755) }, false},
	{"a folder is in its place", func(dir string) error {
		return errors.Join(os.Remove(filepath.Join(dir, "log")), os.Mkdir(filepath.Join(dir, "log"), 0o755))
	}, func(dir string) error { return os.Remove(filepath.Join(dir, "log")) }, false},
	{"it is renamed", func(dir string) error {
		return os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log.old"))
	}, func(string) error { return errNone }, true},
	{"it is truncated", func(dir string) error { return os.Truncate(filepath.Join(dir, "log"), 0) }, func(string) error { return errNone }, true},
	{"rotation is in the way of a folder", func(dir string) error {
		_ = os.Remove(filepath.Join(dir, "log.1"))
		return errors.Join(os.Mkdir(filepath.Join(dir, "log.1"), 0o755), os.WriteFile(filepath.Join(dir, "log.1", "x"), nil, 0o600))
	}, func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log.1")) }, true},
	{"it is a link to a full device", func(dir string) error {
		return errors.Join(os.Remove(filepath.Join(dir, "log")), os.Symlink("/dev/full", filepath.Join(dir, "log")))
	}, func(dir string) error { return os.Remove(filepath.Join(dir, "log")) }, false},
	{"it is a fifo that nobody reads", func(dir string) error {
		return errors.Join(os.Remove(filepath.Join(dir, "log")), syscall.Mkfifo(filepath.Join(dir, "log"), 0o600))
	}, func(dir string) error { return os.Remove(filepath.Join(dir, "log")) }, false},
	{"its file system is full", func(dir string) error { return fill(dir) }, func(dir string) error { return os.Remove(filepath.Join(dir, "fill")) }, false},
}

// fill takes all the room that there is.
func fill(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "fill"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it failed anyhow
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		block := make([]byte, size)
		for err = error(nil); err == nil; {
			_, err = f.Write(block)
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// smallDisk mounts a small file system for the time of the test.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("chaos", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("cannot mount a small tmpfs (root's right): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// TestLogTroubles holds that a program is never held up by its log, that each
// trouble is said at most once, and that the log is written again afterwards.
func TestLogTroubles(t *testing.T) {
	t.Parallel()
	r := account(t, "troubles of logs", fmt.Sprintf("%d kinds, one program each", len(troubles)))
	base, err := os.MkdirTemp("", "chaos-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	var config strings.Builder
	for i := range troubles {
		dir := filepath.Join(base, strconv.Itoa(i))
		if i == len(troubles)-1 {
			smallDisk(t, dir) // which is to be full without trouble for the others
		} else if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&config, "[program:p%d]\n%sstdout_logfile=%s/log\nstdout_logfile_maxbytes=100KB\nstdout_logfile_backups=1\n",
			i, self(fmt.Sprintf("beat %%(here)s/beats%d", i)), dir)
	}
	d := start(t, spec{config: config.String()})
	d.untilAll("RUNNING")
	before := d.vitals()
	for range scale(1, 5) {
		for i, trouble := range troubles {
			dir, beats := filepath.Join(base, strconv.Itoa(i)), fmt.Sprintf("beats%d", i)
			said := d.said(dir)
			if err := trouble.begin(dir); err != nil {
				t.Fatalf("%s: %v", trouble.name, err)
			}
			r.faults++
			had := len(d.read(beats))
			d.until(trouble.name+", and the program to go on", func() bool { return len(d.read(beats)) >= had+12 })
			if more := d.said(dir) - said; more > 1 {
				r.lost++
				t.Errorf("%s: the log tells of it %d times, want once:\n%s", trouble.name, more, last(d.read("supervisord.log"), 2000))
			}
			if err := trouble.mend(dir); err != nil {
				t.Fatalf("%s: mend: %v", trouble.name, err)
			}
			d.until("the log after "+trouble.name, func() bool {
				info, err := os.Lstat(filepath.Join(dir, "log"))
				return err == nil && info.Mode().IsRegular() && info.Size() > 0
			})
			if more := d.said(dir) - said; more > 2 || trouble.silent && more > 1 {
				r.lost++
				t.Errorf("%s: the log tells of it %d times, want once, and once that it is over", trouble.name, more)
			}
		}
	}
	for _, i := range d.infos() {
		if i.StateName != "RUNNING" {
			r.lost++
			t.Errorf("%s is %s, want RUNNING", i.Name, i.StateName)
		}
	}
	r.closeBooks(d, before)
	d.end()
}

// TestReadOnlyDisk starts programs whose logs, and a daemon whose pidfile and
// state file are on a disk that cannot be written, until it can.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	r := account(t, "read-only disk", "2 programs")
	base, err := os.MkdirTemp("", "chaos-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	smallDisk(t, base)
	remount := func(flags uintptr) {
		if err := syscall.Mount("chaos", base, "tmpfs", syscall.MS_REMOUNT|flags, "size=3m"); err != nil {
			t.Fatalf("remount: %v", err)
		}
		r.faults++
	}
	remount(syscall.MS_RDONLY)
	d := start(t, spec{
		options: "pidfile=" + base + "/pid",
		config:  "[program:p]\n" + self("beat %(here)s/beats%(process_num)d") + "numprocs=2\nprocess_name=p%(process_num)d\nstdout_logfile=" + base + "/p%(process_num)d\n",
	})
	d.until("the programs to go on", func() bool { return len(d.read("beats0")) > 10 && len(d.read("beats1")) > 10 })
	for _, name := range []string{"/p0", "/p1", "/pid.state"} {
		if n := d.said(base + name); n != 1 {
			r.lost++
			t.Errorf("the log tells of %s %d times, want once", name, n)
		}
	}
	remount(0)
	if err := d.rpc.StopProcess(t.Context(), "p:p0"); err != nil {
		t.Error(err)
	}
	if err := d.rpc.StartProcess(t.Context(), "p:p0"); err != nil {
		t.Error(err)
	}
	if n := d.said(base + "/pid.state can be written again"); n != 1 {
		r.lost++
		t.Errorf("the log tells %d times that the state file can be written again, want once", n)
	}
	d.until("the logs to be written", func() bool {
		for _, name := range []string{"p0", "p1"} {
			if info, err := os.Stat(filepath.Join(base, name)); err != nil || info.Size() == 0 {
				return false
			}
		}
		return true
	})
	d.end()
}

// said counts the lines of the log that tell of something.
func (d *daemon) said(text string) int {
	count := 0
	for line := range strings.Lines(d.read("supervisord.log")) {
		if strings.Contains(line, text) {
			count++
		}
	}
	return count
}

// TestEverythingOnAFullDisk puts the daemon's own files there: its log, its
// pidfile and its state file.
func TestEverythingOnAFullDisk(t *testing.T) {
	t.Parallel()
	r := account(t, "the daemon's own disk full", "6 programs, one of them dying all the time")
	base, err := os.MkdirTemp("", "chaos-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	smallDisk(t, base)
	d := start(t, spec{
		options: fmt.Sprintf("logfile=%s/main.log\npidfile=%s/pid\nlogfile_maxbytes=200KB\nlogfile_backups=1\nloglevel=debug", base, base),
		config: "[program:dies]\ncommand=sh -c 'echo dying; sleep 0.1'\nautorestart=true\nstartsecs=0\nstdout_logfile=" + base + "/dies\n" +
			"[program:lives]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=5\nprocess_name=l%(process_num)d\n",
	})
	for range scale(2, 20) {
		if err := fill(base); err != nil {
			t.Fatal(err)
		}
		r.faults++
		starts := func() int { return total(d.metrics(), "vigilance_process_starts_total", `name="dies"`) }
		had := starts()
		d.until("the program to be restarted on a full disk", func() bool { return starts() > had+2 })
		if err := d.rpc.StopProcess(t.Context(), "lives:l0"); err != nil {
			t.Error(err)
		}
		if err := d.rpc.StartProcess(t.Context(), "lives:l0"); err != nil {
			t.Error(err)
		}
		if r.faults%2 == 0 { // a daemon that is killed now finds what it can
			d.kill()
			d.launch()
			d.awaitAnswer()
		}
		if err := os.Remove(filepath.Join(base, "fill")); err != nil {
			t.Fatal(err)
		}
		size := func() int64 {
			info, err := os.Stat(filepath.Join(base, "main.log"))
			if err != nil {
				return 0
			}
			return info.Size()
		}
		written := size()
		d.until("the daemon's log to be written again", func() bool { return size() != written && size() > 0 })
	}
	d.until("each to run once", func() bool {
		return !slices.ContainsFunc(d.wrongCopies(), func(w string) bool { return !strings.HasPrefix(w, "dies") })
	})
	d.end()
}

// TestRotationInterrupted kills the daemon while logs are rotated many times a
// second: what is there afterwards is whole and in order.
func TestRotationInterrupted(t *testing.T) {
	t.Parallel()
	rnd := random(t)
	const maxBytes, backups = 64 << 10, 4
	r := account(t, "rotation interrupted by kill -9", "2 programs that write without end")
	d := start(t, spec{config: "[program:stamps]\n" + self("stamps") + fmt.Sprintf("numprocs=2\nprocess_name=s%%(process_num)d\n"+
		"stdout_logfile=%%(here)s/s%%(process_num)d.log\nstdout_logfile_maxbytes=%d\nstdout_logfile_backups=%d\n", maxBytes, backups)})
	for end := time.Now().Add(span(3*time.Second, 4)); time.Now().Before(end); {
		<-time.After(time.Duration(50+rnd.IntN(150)) * time.Millisecond)
		d.kill()
		r.faults++
		for i := range 2 {
			if why := d.badRotation(fmt.Sprintf("s%d.log", i), maxBytes, backups); why != "" {
				r.lost++
				t.Errorf("after kill %d: %s", r.faults, why)
			}
		}
		d.launch()
		d.awaitAnswer()
	}
	d.end()
}

// chunk is how much is written at once, before the size of a log is looked at.
const chunk = 256 << 10

// badRotation says what is wrong with a log and its backups.
func (d *daemon) badRotation(name string, maxBytes, backups int) string {
	d.t.Helper()
	paths, err := filepath.Glob(d.path(name) + "*")
	if err != nil {
		d.t.Fatal(err)
	}
	if len(paths) > backups+1 {
		return fmt.Sprintf("there are %q, want %d at most", paths, backups+1)
	}
	previous := 0
	for n := backups; n >= 0; n-- {
		file := name
		if n > 0 {
			file = fmt.Sprintf("%s.%d", name, n)
		}
		text := d.read(file)
		if len(text) > maxBytes+chunk {
			return fmt.Sprintf("%s has %d bytes, want %d and a chunk at most", file, len(text), maxBytes)
		}
		for i, line := range bytes.Split([]byte(text), []byte("\n")) {
			stamp, err := strconv.Atoi(string(line))
			switch {
			case err != nil || len(line) < 19: // cut by rotation, or by a death
			case stamp <= previous:
				return fmt.Sprintf("%s, line %d: %d after %d", file, i, stamp, previous)
			default:
				previous = stamp
			}
		}
	}
	return ""
}
