package packaging_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestContainerEndsWithAProgram runs supervisord as process 1 with the image's
// configuration: its log and the programs' go to standard output, and a
// program that is given up ends everything in order.
func TestContainerEndsWithAProgram(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a PID namespace")
	}
	dir := t.TempDir()
	config, err := os.ReadFile("../examples/container/supervisord.conf")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"supervisord.conf": strings.NewReplacer("/run/", dir+"/", "/etc/supervisor/conf.d/", dir+"/conf.d/").Replace(string(config)),
		"conf.d/programs.conf": `[program:web]
command=/bin/sh -c 'trap "echo web: good bye; exit 0" TERM; echo web: hello; while :; do sleep 0.1; done'
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
[program:broken]
command=/bin/false
startretries=0
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	supervisord := filepath.Join(dir, "supervisord")
	if said, err := exec.Command("go", "build", "-o", supervisord, "-tags", "urfave_cli_no_docs", "../cmd/supervisord").CombinedOutput(); err != nil {
		t.Fatalf("build supervisord: %v\n%s", err, said)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
		supervisord, "-c", filepath.Join(dir, "supervisord.conf"))
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("supervisord as process 1 ended with %v, want status 0", err)
	}
	for _, want := range []string{
		"supervisord started with pid 1\n", "web: hello\n", "gave up: broken entered FATAL state",
		"received SIGTERM indicating exit request", "web: good bye\n", "stopped: web (exit status 0)",
	} {
		if !strings.Contains(string(said), want) {
			t.Errorf("its output lacks %q:\n%s", want, said)
		}
	}
}
