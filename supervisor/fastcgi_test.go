package supervisor

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// fastCGI is a group of n processes that share a unix socket.
func fastCGI(path string, n int) *config.Group {
	g := &config.Group{
		Name: "web", Kind: config.GroupFastCGI, Priority: 999,
		Socket: &config.FastCGISocket{Network: "unix", Path: path, UID: -1, GID: -1, Mode: 0o750},
	}
	for i := range n {
		p := program("web_"+strconv.Itoa(i), os.Args[0], quick)
		p.Environment = map[string]string{roleVar: "fastcgi"}
		g.Programs = append(g.Programs, p)
	}
	return g
}

// answer is what a process of the group says to a connection; empty when none
// answers.
func answer(path string) string {
	c, err := net.Dial("unix", path)
	if err != nil {
		return ""
	}
	defer c.Close()
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestFastCGIProcessesShareASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fcgi.sock")
	r := start(t, fastCGI(path, 2))
	pids := map[string]bool{
		strconv.Itoa(r.untilState("web:web_0", process.Running).PID): true,
		strconv.Itoa(r.untilState("web:web_1", process.Running).PID): true,
	}
	if got := answer(path); !pids[got] {
		t.Errorf("the socket was answered by pid %q, want one of %v", got, pids)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o750 {
		t.Errorf("Stat(%q) = %v, %v; want mode 0750", path, fi, err)
	}
	if err := r.SendStdin(t.Context(), "web:web_0", []byte("x")); err == nil || err.Error() != "NO_FILE: web:web_0" {
		t.Errorf("SendStdin to a FastCGI process = %v, want the fault NO_FILE", err)
	}
	if _, err := r.StopGroup(t.Context(), "web", true); err != nil {
		t.Fatal(err)
	}
	r.until("the socket was closed after the check and after the last process", func() bool {
		return strings.Count(r.readLog(), "INFO Closing socket unix://"+path) == 2
	})
	if got := answer(path); got != "" {
		t.Errorf("a stopped group answered %q", got)
	}
}

func TestFastCGISocketIsMadeAnewForARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fcgi.sock")
	r := start(t, fastCGI(path, 1))
	pid := r.untilState("web:web_0", process.Running).PID
	if err := os.Remove(path); err != nil { // somebody tidied up
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("its successor answers", func() bool { return answer(path) != "" })
}

func TestFastCGISocketThatCannotBeMadeIsRefused(t *testing.T) {
	_, err := New(Options{
		Config: &config.Config{Groups: []*config.Group{fastCGI("/no/such/folder/fcgi.sock", 1)}},
		Log:    openTestLog(t, filepath.Join(t.TempDir(), "log"), mainlog.Debug),
	})
	want := "Could not create FastCGI socket unix:///no/such/folder/fcgi.sock: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("New() = %v, want %q...", err, want)
	}
}
