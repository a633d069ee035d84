package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSystemdHearsOfTheDaemon plays the service manager of a supervisord
// through a start, a restart and a stop that takes long.
func TestSystemdHearsOfTheDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, address := range []string{filepath.Join(dir, "notify"), fmt.Sprintf("@vigilance-test-supervisord-%d", os.Getpid())} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatalf("listen at %q: %v", address, err)
		}
		defer func() { _ = conn.Close() }()
		write(t, dir, map[string]string{"supervisord.conf": plain + `
[program:stubborn]
command=/bin/sh -c "trap '' TERM; env >env.tmp; mv env.tmp env; while :; do read x; done"
directory=%(here)s
stopwaitsecs=1
`})
		r := startIn(t, dir, ours(t), func(cmd *exec.Cmd) {
			cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=200000")
		}, "-c", "supervisord.conf")
		expect(t, conn, "READY=1\n", "WATCHDOG=1")
		env := filepath.Join(dir, "env")
		eventually(t, env, func() bool { return read(env) != "" })
		for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC"} {
			if strings.Contains(read(env), name) {
				t.Errorf("a program's environment: %s, want no %s", read(env), name)
			}
		}
		_ = os.Remove(env) // written anew by the next life, once it ignores TERM
		r.signal(t, syscall.SIGHUP)
		expect(t, conn, "RELOADING=1\nMONOTONIC_USEC=", "WATCHDOG=1", "READY=1\n")
		eventually(t, env, func() bool { return read(env) != "" })
		r.signal(t, syscall.SIGTERM)
		expect(t, conn, "STOPPING=1\n", "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=")
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("supervisord ended with %v, want status 0", err)
		}
		_ = os.Remove(filepath.Join(dir, "daemon.log"))
		_ = os.Remove(env)
	}
}

// expect reads messages until those that begin as wanted have come, in their
// order.
func expect(t *testing.T, conn *net.UnixConn, wanted ...string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	buffer := make([]byte, 1024)
	var heard []string
	for _, want := range wanted {
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatalf("heard %q, then %v, want %q", heard, err, wanted)
			}
			heard = append(heard, string(buffer[:n]))
			if strings.HasPrefix(heard[len(heard)-1], want) {
				break
			}
		}
	}
}
