package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stage is a running supervisord with its tools, and the services that these
// send to.
type stage struct {
	dir      string
	services *httptest.Server
	children []*exec.Cmd
	alerts   string // the address of Alertmanager

	mu     sync.Mutex
	posted map[string][]byte // the last request to each service
}

// newStage builds the commands and starts everything. What it leaves behind
// ends with close.
func newStage(ctx context.Context, dir string) (*stage, error) {
	build := exec.CommandContext(ctx, "go", "build", "-tags", "urfave_cli_no_docs", "-o", dir+"/bin/", "./cmd/...", "./examples/mailcatcher")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the commands (run this at the top of the checkout): %w\n%s", err, out)
	}
	s := &stage{dir: dir, posted: make(map[string][]byte)}
	s.services = httptest.NewServer(http.HandlerFunc(s.serve))
	smtp, err := freeAddress()
	if err == nil {
		s.alerts, err = freeAddress()
	}
	if err == nil {
		err = s.startAll(smtp)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) startAll(smtp string) error {
	for name, text := range map[string]string{
		"alertmanager.yml": "route:\n  receiver: none\nreceivers:\n- name: none\n",
		"supervisord.conf": strings.NewReplacer(
			"DIR", s.dir, "SERVICES", s.services.URL, "SMTP", smtp, "ALERTS", "http://"+s.alerts,
		).Replace(config),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "mail"), 0o700); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(smtp)
	if err != nil {
		return err
	}
	for _, command := range [][]string{
		{filepath.Join(s.dir, "bin", "mailcatcher"), "-port", port, "-dir", filepath.Join(s.dir, "mail")},
		{"prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=alerts", "--cluster.listen-address=", "--web.listen-address=" + s.alerts},
		// The messages name a machine of the manual's, not the one that makes them.
		{"unshare", "--map-root-user", "--uts", "sh", "-c", "hostname shop1 && exec bin/supervisord -n -c supervisord.conf"},
	} {
		if err := s.start(command); err != nil {
			return err
		}
	}
	return nil
}

// start starts a command that close ends.
func (s *stage) start(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+s.dir, "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"))
	log, err := os.Create(filepath.Join(s.dir, filepath.Base(command[0])+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command[0], err)
	}
	s.children = append(s.children, cmd)
	return nil
}

// close ends everything, supervisord first.
func (s *stage) close() {
	for i := len(s.children) - 1; i >= 0; i-- {
		cmd := s.children[i]
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // ended by a signal
		kill.Stop()
	}
	s.services.Close()
}

// serve plays every service: the first part of the path is its name.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if err != nil || name == "health" {
		http.Error(w, "the pool of connections is exhausted", http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	s.posted[name] = body
	s.mu.Unlock()
	answers := map[string]string{
		"slack": "ok", "dingtalk": `{"errcode":0,"errmsg":"ok"}`, "wechat": `{"errcode":0,"errmsg":"ok"}`,
		"feishu": `{"code":0,"msg":"success"}`, "discord": `{"id":"1"}`, "telegram": `{"ok":true}`, "ntfy": `{"id":"1"}`,
		"pagerduty": `{"status":"success"}`,
	}
	_, _ = io.WriteString(w, answers[name])
}

// wait returns what was sent for a portrait, as soon as it is there.
func (s *stage) wait(ctx context.Context, p portrait) ([]byte, error) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		if sent := p.find(s, p.name); len(sent) > 0 {
			return sent, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			said, _ := os.ReadFile(filepath.Join(s.dir, p.name+".err"))
			return nil, fmt.Errorf("no message of %s: %w\n%s", p.name, context.Cause(ctx), said)
		}
	}
}

// post finds what was posted to a service.
func post(s *stage, name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posted[name]
}

// mail finds a mail by its sender, which is named after the tool.
func mail(s *stage, name string) []byte {
	files, err := filepath.Glob(filepath.Join(s.dir, "mail", "*.eml"))
	if err != nil {
		return nil
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(name+"@")) {
			return text
		}
	}
	return nil
}

// alerts asks Alertmanager what it knows.
func alerts(s *stage, _ string) []byte {
	r, err := http.Get("http://" + s.alerts + "/api/v2/alerts")
	if err != nil {
		return nil
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Contains(text, []byte("mailer")) {
		return nil
	}
	return text
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
