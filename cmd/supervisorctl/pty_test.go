package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/vigilance-go/vigilance/test/peer"
)

// terminal is a supervisorctl at a terminal.
type terminal struct {
	cmd    *exec.Cmd
	pty    *os.File
	exited chan struct{}

	mu    sync.Mutex
	shown string // not yet waited for
}

// openTerminal starts ctl in the daemon's folder, at a terminal of usual size.
func openTerminal(t *testing.T, ctl string, d *peer.Daemon, env []string, args ...string) *terminal {
	t.Helper()
	term := &terminal{cmd: exec.Command(ctl, args...), exited: make(chan struct{})}
	term.cmd.Dir = d.Dir
	term.cmd.Env = append(append(os.Environ(), "TERM=xterm", "NO_COLOR="), env...)
	var err error
	if term.pty, err = pty.StartWithSize(term.cmd, &pty.Winsize{Rows: 24, Cols: 120}); err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	t.Cleanup(func() {
		// The whole session: whatever has the terminal open keeps its reader.
		_ = syscall.Kill(-term.cmd.Process.Pid, syscall.SIGKILL)
		eventually(t, "the terminal's session to end", func() bool {
			select {
			case <-term.exited:
				return true
			default:
				return false
			}
		})
		_ = term.pty.Close()
	})
	go func() { // ends with the command
		defer close(term.exited)
		buffer := make([]byte, 4096)
		for {
			n, err := term.pty.Read(buffer)
			term.mu.Lock()
			term.shown += string(buffer[:n])
			term.mu.Unlock()
			if err != nil {
				break
			}
		}
		_ = term.cmd.Wait()
	}()
	return term
}

func (x *terminal) send(t *testing.T, keys string) {
	t.Helper()
	if _, err := x.pty.WriteString(keys); err != nil {
		t.Fatalf("type %q: %v", keys, err)
	}
}

// until waits for text and returns what was shown up to its end, plain.
func (x *terminal) until(t *testing.T, text string) string {
	t.Helper()
	raw := x.rawUntil(t, text)
	return plain(raw)
}

func (x *terminal) rawUntil(t *testing.T, text string) (got string) {
	t.Helper()
	eventually(t, "the terminal to show "+text, func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		i := strings.Index(x.shown, text)
		if i >= 0 {
			got, x.shown = x.shown[:i+len(text)], x.shown[i+len(text):]
		}
		return i >= 0
	})
	if t.Failed() {
		x.mu.Lock()
		defer x.mu.Unlock()
		t.Fatalf("supervisorctl %q: no %q in %q", x.cmd.Args, text, x.shown)
	}
	return got
}

// end waits until the command has ended and returns what else it showed, plain,
// and its status.
func (x *terminal) end(t *testing.T) (string, int) {
	t.Helper()
	eventually(t, "supervisorctl to end", func() bool {
		select {
		case <-x.exited:
			return true
		default:
			return false
		}
	})
	if t.Failed() {
		x.mu.Lock()
		defer x.mu.Unlock()
		t.Fatalf("supervisorctl %q did not end; it showed %q", x.cmd.Args, x.shown)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return plain(x.shown), x.cmd.ProcessState.ExitCode()
}

// plain leaves out how a terminal is controlled.
func plain(text string) string {
	text = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`).ReplaceAllString(text, "")
	return strings.NewReplacer("\r", "", "\a", "").Replace(text)
}

// TestShellAgrees types the same into both shells and compares what they show.
func TestShellAgrees(t *testing.T) {
	t.Parallel()
	needReference(t)
	const config = servers + "prompt=it\n[program:cat]\ncommand=cat\nstartsecs=0\n[program:idle]\ncommand=sleep 1000\nautostart=false\nstartsecs=0\n"
	d, _ := control(t, config)
	settle(t, d)
	lines := []string{"status cat", "", "  ", "nosuch", "?", "help start", "version", "start idle", "stop idle", "pid nosuch",
		"tail cat", "reread", "shutdown\rn", "reload\rno", "open nosuch", "fg", "status nosuch", "signal nosuch cat"}
	var shown [2][]string
	for i, ctl := range []string{referenceCtl, ours(t)} {
		x := openTerminal(t, ctl, d, nil, "-c", "supervisord.conf")
		x.until(t, "\nit> ")
		for _, line := range lines {
			text := ""
			for part := range strings.SplitSeq(line, "\r") {
				if text != "" {
					text += x.until(t, "y/N? ")
				}
				x.send(t, part+"\r")
			}
			text += x.until(t, "\nit> ")
			for _, m := range masks() {
				text = m.pattern.ReplaceAllString(text, m.with)
			}
			shown[i] = append(shown[i], text)
		}
		x.send(t, "\x04")
		rest, status := x.end(t)
		if status != 0 || strings.Trim(rest, "\n") != "" {
			t.Errorf("%s: ^D ended the shell with status %d and %q, want 0 and a new line", ctl, status, rest)
		}
	}
	for i, line := range lines {
		if shown[0][i] != shown[1][i] {
			t.Errorf("typed %q: got %q\nwant %q", line, shown[1][i], shown[0][i])
		}
	}
}

func TestShellAtATerminal(t *testing.T) {
	t.Parallel()
	d, _ := control(t, logging)
	settle(t, d)
	history := filepath.Join(d.Dir, "history")
	if err := os.WriteFile(history, []byte("version\n\xff not UTF-8\nstatus one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := openTerminal(t, ours(t), d, nil, "-c", "supervisord.conf", "-r", "history")
	first := x.rawUntil(t, "\nsupervisor> ")
	if !strings.Contains(first, "cat                              \x1b[32mRUNNING   \x1b[0mpid ") {
		t.Errorf("the shell begins with %q, want a coloured status", first)
	}
	x.send(t, "stat\t ca\t\r") // both are completed
	if got := x.until(t, "\nsupervisor> "); !strings.Contains(got, "cat                              RUNNING") || strings.Contains(got, "echo ") {
		t.Errorf("completed status cat: %q", got)
	}
	x.send(t, "pid pair:\t\t") // several: they are listed
	x.until(t, "pair:*")
	x.send(t, "tw\t\r")
	x.until(t, "\nsupervisor> ")
	x.send(t, "\x1b[A\x1b[A\x1b[A\r") // up to the file's last line
	if got := x.until(t, "\nsupervisor> "); !strings.Contains(got, "pair:one") && !strings.Contains(got, "one: ERROR (no such process)") {
		t.Errorf("recalled from the history file: %q", got)
	}
	x.send(t, "tail -f echo\r")
	x.until(t, "Ctrl-C to exit <==")
	x.send(t, "\x03")
	x.until(t, "\nsupervisor> ")
	x.send(t, "fg echo\r")
	x.until(t, "Ctrl-C to exit <==")
	x.send(t, "typed\r")
	x.until(t, "out typed")
	x.send(t, "\x03")
	x.until(t, "Exiting foreground")
	x.until(t, "\nsupervisor> ")
	x.send(t, "\x03")
	if rest, status := x.end(t); status != 0 || strings.Contains(rest, "supervisor>") {
		t.Errorf("after ^C: status %d, %q, want 0 and no further prompt", status, rest)
	}
	kept, err := os.ReadFile(history)
	if err != nil || !strings.HasPrefix(string(kept), "version\n\xff not UTF-8\nstatus one\n") || !strings.HasSuffix(string(kept), "fg echo\n") {
		t.Errorf("history file: %q, %v, want its old lines and the new ones", kept, err)
	}
}

func TestInterruptEndsTheShellDuringAnAction(t *testing.T) {
	t.Parallel()
	d, _ := control(t, servers+"[program:cat]\ncommand=cat\n[program:slow]\ncommand=sleep 1000\nautostart=false\nstartsecs=600\n")
	settle(t, d)
	x := openTerminal(t, ours(t), d, nil, "-c", "supervisord.conf")
	x.until(t, "\nsupervisor> ")
	x.send(t, "start slow\r")
	if err := d.WaitLog("spawned: 'slow'", 1); err != nil {
		t.Fatal(err)
	}
	x.send(t, "\x03")
	if rest, status := x.end(t); status != 0 || strings.Contains(rest, "supervisor>") || strings.Contains(rest, "error") {
		t.Errorf("after ^C: status %d, %q, want 0 and no more than a new line", status, rest)
	}
}

func TestCredentialsAreAskedForAtATerminal(t *testing.T) {
	t.Parallel()
	needReference(t)
	config := strings.Replace(servers, "[rpcinterface", "username=user\npassword=secret\n[rpcinterface", 1)
	d, _ := control(t, config+"[program:cat]\ncommand=cat\n")
	settle(t, d)
	for _, ctl := range []string{referenceCtl, ours(t)} {
		for _, args := range [][]string{nil, {"-i", "status"}} {
			x := openTerminal(t, ctl, d, nil, append([]string{"-c", "supervisord.conf"}, args...)...)
			x.until(t, "Server requires authentication")
			x.until(t, "Username:")
			x.send(t, "user\r")
			x.until(t, "Password:")
			x.send(t, "secret\r")
			got := x.until(t, "RUNNING")
			if strings.Contains(got, "secret") {
				t.Errorf("%s %q shows the password: %q", ctl, args, got)
			}
			if args == nil {
				x.until(t, "\nsupervisor> ")
				x.send(t, "exit\r")
			}
			if _, status := x.end(t); status != 0 {
				t.Errorf("%s %q: status %d, want 0", ctl, args, status)
			}
		}
	}
}

func TestColorOnlyWhereItIsWanted(t *testing.T) {
	t.Parallel()
	d, run := control(t, servers+"[program:cat]\ncommand=cat\n")
	settle(t, d)
	if got := run("status"); strings.Contains(got.stdout, "\x1b") {
		t.Errorf("status to a pipe has colours: %q", got.stdout)
	}
	for _, tt := range []struct {
		env  string
		want bool
	}{{"X=", true}, {"NO_COLOR=1", false}, {"TERM=dumb", false}} {
		x := openTerminal(t, ours(t), d, []string{tt.env}, "-c", "supervisord.conf", "status")
		if got := strings.Contains(x.rawUntil(t, "uptime"), "\x1b[32m"); got != tt.want {
			t.Errorf("status at a terminal with %s: colours %v, want %v", tt.env, got, tt.want)
		}
		_, _ = x.end(t)
	}
}

// TestTerminalObeysNoLogWithSafe shows a log that would set the title, clear the
// screen and make the terminal type, with and without --safe.
func TestTerminalObeysNoLogWithSafe(t *testing.T) {
	t.Parallel()
	d, run := control(t, servers+"[program:cat]\n"+
		`command=/bin/sh -c "printf 'begin \033]0;t\007\033[2J\033[6n\033[31mred\033[0m end\n'; exec sleep 1000"`+"\nstartsecs=0\n")
	settle(t, d)
	const raw, safe = "\x1b]0;t\a\x1b[2J\x1b[6n\x1b[31mred\x1b[0m", "^[]0;t^G^[[2J^[[6n\x1b[31mred\x1b[0m"
	for _, tt := range []struct {
		env  string
		args []string
		want string
	}{
		{"X=", nil, raw}, // as the reference
		{"X=", []string{"--safe"}, safe},
		{"SUPERVISORCTL_SAFE=1", nil, safe},
	} {
		args := append(append([]string{"-c", "supervisord.conf"}, tt.args...), "tail", "-f", "cat")
		x := openTerminal(t, ours(t), d, []string{tt.env}, args...)
		if got := x.rawUntil(t, " end"); !strings.Contains(got, "begin "+tt.want+" end") {
			t.Errorf("tail -f at a terminal with %s %q: got %q, want %q in it", tt.env, tt.args, got, tt.want)
		}
		x.send(t, "\x03")
		_, _ = x.end(t)
	}
	if got := run("--safe version"); got.stdout != "4.3.0\n" {
		t.Errorf("version --safe to a pipe: got %q, want 4.3.0", got.stdout)
	}
	x := openTerminal(t, ours(t), d, nil, "-c", "supervisord.conf", "--safe")
	x.until(t, "\nsupervisor> ")
	x.send(t, "version\r")
	x.until(t, "4.3.0")
	x.until(t, "\nsupervisor> ")
	x.send(t, "\x04")
	if _, status := x.end(t); status != 0 {
		t.Errorf("the shell with --safe: status %d, want 0", status)
	}
}
