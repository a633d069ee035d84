package osproc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write makes an executable file of the given mode.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSpawnErrorNamesFileAndReason(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	busy := write(t, in("busy"), "#!/bin/sh\n", 0o755)
	if self, err := os.ReadFile("/bin/true"); err == nil {
		write(t, busy, string(self), 0o755)
	}
	writer, err := os.OpenFile(busy, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	tests := []struct {
		name  string
		path  string
		arg0  string // path by default
		dir   string
		args  []string
		stage Stage
		errno syscall.Errno
		text  string // %s: the file
		child string
	}{
		{name: "missing", path: in("nope"), stage: StageExec, errno: syscall.ENOENT,
			text: `execute %q: no such file or directory`, child: "couldn't exec %s: ENOENT"},
		{name: "argv[0] differs", path: in("nope"), arg0: "web", stage: StageExec, errno: syscall.ENOENT,
			text: `execute %q: no such file or directory`, child: "couldn't exec web: ENOENT"},
		{name: "not executable", path: write(t, in("plain"), "#!/bin/sh\n", 0o644), stage: StageExec, errno: syscall.EACCES,
			text:  `execute %[1]q: permission denied (uid ` + fmt.Sprint(os.Getuid()) + ` may not execute %[1]q)`,
			child: "couldn't exec %s: EACCES"},
		{name: "missing interpreter", path: write(t, in("script"), "#! /opt/none/python3 -u\n", 0o755), stage: StageExec, errno: syscall.ENOENT,
			text: `execute %q: no such file or directory (its interpreter "/opt/none/python3" does not exist)`, child: "couldn't exec %s: ENOENT"},
		{name: "DOS line end", path: write(t, in("dos"), "#!/bin/sh\r\necho\r\n", 0o755), stage: StageExec, errno: syscall.ENOENT,
			text: `execute %q: no such file or directory (its interpreter "/bin/sh\r" does not exist)`, child: "couldn't exec %s: ENOENT"},
		{name: "interpreter not executable", path: write(t, in("script2"), "#!"+in("plain")+"\n", 0o755), stage: StageExec, errno: syscall.EACCES,
			text:  `execute %q: permission denied (its interpreter: uid ` + fmt.Sprint(os.Getuid()) + fmt.Sprintf(` may not execute %q)`, in("plain")),
			child: "couldn't exec %s: EACCES"},
		{name: "neither binary nor script", path: write(t, in("text"), "echo hello\n", 0o755), stage: StageExec, errno: syscall.ENOEXEC,
			text: `execute %q: exec format error (neither a program for this machine nor a script that begins with #!)`, child: "couldn't exec %s: ENOEXEC"},
		{name: "being written", path: busy, stage: StageExec, errno: syscall.ETXTBSY,
			text: `execute %q: text file busy (somebody is writing to it)`, child: "couldn't exec %s: ETXTBSY"},
		{name: "too long", path: "/bin/sh", args: []string{strings.Repeat("x", 1<<18)}, stage: StageExec, errno: syscall.E2BIG,
			text: `execute %q: argument list too long (arguments and environment take 262153 bytes)`, child: "couldn't exec %s: E2BIG"},
		{name: "NUL", path: "/bin/sh", args: []string{"a\x00b"}, stage: StageExec, errno: syscall.EINVAL,
			text: `execute %q: invalid argument`, child: "couldn't exec %s: EINVAL"},
		{name: "missing directory", path: "/bin/true", dir: in("gone"), stage: StageChdir, errno: syscall.ENOENT,
			text: `change directory to %q: no such file or directory`, child: "couldn't chdir to %s: ENOENT"},
		{name: "directory and file missing", path: in("nope"), dir: in("gone"), stage: StageChdir, errno: syscall.ENOENT,
			text: `change directory to %q: no such file or directory`, child: "couldn't chdir to %s: ENOENT"},
		{name: "no directory", path: "/bin/true", dir: in("plain"), stage: StageChdir, errno: syscall.ENOTDIR,
			text: `change directory to %q: not a directory`, child: "couldn't chdir to %s: ENOTDIR"},
		{name: "directory name too long", path: "/bin/true", dir: "/" + strings.Repeat("x", 300), stage: StageChdir, errno: syscall.ENAMETOOLONG,
			text: `change directory to %q: file name too long`, child: "couldn't chdir to %s: ENAMETOOLONG"},
		{name: "good directory, missing file", path: "nope", dir: dir, stage: StageExec, errno: syscall.ENOENT,
			text: `execute %q: no such file or directory`, child: "couldn't exec %s: ENOENT"},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			arg0 := tt.arg0
			if arg0 == "" {
				arg0 = tt.path
			}
			spec := Spec{Path: tt.path, Args: append([]string{arg0}, tt.args...), Umask: -1, Dir: tt.dir}
			named := tt.path
			if tt.stage == StageChdir {
				named = tt.dir
			}
			checkSpawnError(t, r, spec, tt.stage, tt.errno, fmt.Sprintf(tt.text, named), strings.ReplaceAll(tt.child, "%s", named))
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exits) != 0 {
		t.Errorf("Reap reported %v, want nothing: no child came to life", r.exits)
	}
}

func checkSpawnError(t *testing.T, r *rig, spec Spec, stage Stage, errno syscall.Errno, text, child string) {
	t.Helper()
	before := openFDs(t)
	c, err := r.Spawn(spec)
	var se *SpawnError
	if !errors.As(err, &se) {
		t.Fatalf("Spawn = %v, %v; want a *SpawnError", c, err)
	}
	if se.Stage != stage || !errors.Is(err, errno) {
		t.Errorf("stage %q, error %v; want %q, %v", se.Stage, se.Err, stage, errno)
	}
	if err.Error() != text {
		t.Errorf("Error()\n got %s\nwant %s", err, text)
	}
	if want := "supervisor: " + child + "\nsupervisor: child process was not spawned\n"; se.ChildText() != want {
		t.Errorf("ChildText()\n got %q\nwant %q", se.ChildText(), want)
	}
	if got := se.Reason("web"); got != text {
		t.Errorf("Reason() = %q, want %q", got, text)
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors open after the error, %d before", after, before)
	}
}

func openFDs(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestSpawnErrorNamesTheMissingLoader(t *testing.T) {
	needLinux(t)
	loader := interpreter("/bin/true")
	if loader == "" {
		t.Skip("/bin/true is linked statically")
	}
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	gone := loader[:len(loader)-1] + "~"
	file := write(t, filepath.Join(t.TempDir(), "musl"), string(bytes.ReplaceAll(program, []byte(loader), []byte(gone))), 0o755)
	checkSpawnError(t, newRig(t), command(file), StageExec, syscall.ENOENT,
		fmt.Sprintf("execute %q: no such file or directory (its interpreter %q does not exist)", file, gone),
		"couldn't exec "+file+": ENOENT")
}

func TestSpawnErrorNamesWhereAnotherUserMayNotGo(t *testing.T) {
	needRoot(t)
	base := t.TempDir()
	for dir := base; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	private := filepath.Join(base, "private")
	if err := os.MkdirAll(filepath.Join(private, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := write(t, filepath.Join(private, "run"), "#!/bin/sh\n", 0o755)
	mine := write(t, filepath.Join(base, "mine"), "#!/bin/sh\n", 0o700)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	as := func(path, dir string) Spec {
		return Spec{Path: path, Args: []string{path}, Dir: dir, Umask: -1,
			Credential: &Credential{UID: 65534, GID: 65534, Groups: []int{65534}}}
	}
	r := newRig(t)
	checkSpawnError(t, r, as(inside, ""), StageExec, syscall.EACCES,
		fmt.Sprintf("execute %q: permission denied (uid 65534 may not enter %q)", inside, private),
		"couldn't exec "+inside+": EACCES")
	checkSpawnError(t, r, as(mine, "/"), StageExec, syscall.EACCES,
		fmt.Sprintf("execute %[1]q: permission denied (uid 65534 may not execute %[1]q)", mine),
		"couldn't exec "+mine+": EACCES")
	checkSpawnError(t, r, as("/bin/true", private), StageChdir, syscall.EACCES,
		fmt.Sprintf("change directory to %[1]q: permission denied (uid 65534 may not enter %[1]q)", private),
		"couldn't chdir to "+private+": EACCES")
	sub := filepath.Join(private, "sub")
	checkSpawnError(t, r, as("/bin/true", sub), StageChdir, syscall.EACCES,
		fmt.Sprintf("change directory to %q: permission denied (uid 65534 may not enter %q)", sub, private),
		"couldn't chdir to "+sub+": EACCES")
}

func TestSpawnWithoutPrivilegeSaysSo(t *testing.T) {
	needRoot(t)
	got := nested(t, "spawn as nobody", "")
	want := `set uid to 0: Can't drop privilege as nonroot user
supervisor: couldn't setuid to 0: Can't drop privilege as nonroot user
supervisor: child process was not spawned
set uid to 0: Can't drop privilege as nonroot user
set uid to 1: Could not set groups of effective user
supervisor: couldn't setuid to 1: Could not set groups of effective user
supervisor: child process was not spawned
set uid to 1: Could not set groups of effective user
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSpawnOutOfFilesSaysSo(t *testing.T) {
	needLinux(t)
	got := nested(t, "run out of files", "")
	// Three pipes: with six free it succeeds, if no failure before has lost one.
	// ForkExec's own pipe is in the table of the Spawner's thread.
	want := strings.Repeat(`pipes|too many open files to spawn 'web'|""`+"\n", 6) + "spawned: <nil>\n"
	if got != want {
		t.Errorf("with 0, 1, 2 ... descriptors free, got\n%s\nwant\n%s", got, want)
	}
}

func TestSpawnOutOfProcessesSaysSo(t *testing.T) {
	needRoot(t)
	needLinux(t)
	got := nested(t, "run out of processes", "")
	want := `fork|Too many processes in process table to spawn 'web'|""|fork for "/bin/sh": resource temporarily unavailable`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
