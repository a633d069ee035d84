package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnreachableServerIsExplained compares what is shown when no server
// answers, and checks what ours adds to it on standard error.
func TestUnreachableServerIsExplained(t *testing.T) {
	t.Parallel()
	needReference(t)
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	tests := []struct {
		url, why string
	}{
		{"unix://" + dir + "/missing.sock", "there is no such socket"},
		{"unix://" + dir + "/nosuch/missing.sock", "there is no folder " + dir + "/nosuch"},
		{"unix://" + stale, "the socket is stale"},
		{"unix://" + file, "this is not a socket"},
		{"unix://" + file + "/sock", ""},
		{"http://127.0.0.1:" + port, "nothing listens on that port"},
		{"http://host.invalid:1", "no such host"},
	}
	reference := startReference(t)
	defer reference.stop()
	for _, tt := range tests {
		for _, action := range []string{"status", "version", "start x", "reread", "shutdown", "pid"} {
			st := step{args: append([]string{"-s", tt.url}, strings.Fields(action)...), bare: true}
			want, got := reference.run(t, st, dir), st.run(t, ours(t), dir)
			want.masks, got.masks = strings.NewReplacer(), strings.NewReplacer()
			if got.masked(st) != want.masked(st) {
				t.Errorf("supervisorctl %q\n got %s\nwant %s", st.args, got.masked(st), want.masked(st))
			}
			if action == "shutdown" && strings.Contains(got.stdout, "already shut down?") {
				continue // says enough
			}
			if !strings.Contains(got.stderr, tt.why) || tt.why != "" && !strings.Contains(got.stderr, tt.url+" (from the command line): ") {
				t.Errorf("supervisorctl %q: stderr %q, want the URL and %q", st.args, got.stderr, tt.why)
			}
		}
	}
}

// TestForbiddenSocketIsExplained asks as another user for sockets that are
// root's alone.
func TestForbiddenSocketIsExplained(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("", "supervisorctl-test-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.sock", "closed/b.sock"} {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	prog := filepath.Join(dir, "supervisorctl")
	// A file that this process has written could be busy in a child of another
	// test.
	if out, err := exec.Command("cp", ours(t), prog).CombinedOutput(); err != nil {
		t.Fatalf("copy supervisorctl: %v: %s", err, out)
	}
	for name, why := range map[string]string{
		"a.sock":        "user nobody may not write to the socket (mode -rwx------, owner root, group root)",
		"closed/b.sock": "user nobody may not enter " + dir + "/closed (mode -rwx------, owner root, group root)",
	} {
		cmd := exec.Command(prog, "-s", "unix://"+dir+"/"+name, "status")
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		stdout, err := cmd.Output()
		const want = "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: "
		if !strings.HasPrefix(string(stdout), want) || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), why) {
			t.Errorf("status of %s as nobody: %v, stdout %q, want %q; stderr %q, want %q", name, err, stdout, want, stderr.String(), why)
		}
	}
}

func TestBrokenConfigurationIsAUsageError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.conf"), []byte("[supervisorctl\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := step{args: []string{"-c", "broken.conf", "status"}, bare: true}.run(t, ours(t), dir)
	if got.status != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "Error: File contains no section headers.") {
		t.Errorf("supervisorctl -c broken.conf: %+v, want status 2 and an error that says where", got)
	}
}

func TestHelpText(t *testing.T) {
	t.Parallel()
	own := ours(t)
	for _, option := range []string{"-h", "--help", "-?", "--he"} {
		got := step{args: []string{option, "status"}, bare: true}.run(t, own, t.TempDir())
		want := "\nUsage: " + own + " [options] [action [arguments]]\n"
		if got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, want) {
			t.Errorf("supervisorctl %s: %+v, want %q in its output", option, got, want)
		}
	}
}
