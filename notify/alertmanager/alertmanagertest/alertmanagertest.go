// Package alertmanagertest runs Debian's Prometheus Alertmanager for tests, and
// what it delivers to.
package alertmanagertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// binary returns Debian's Alertmanager.
func binary(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("prometheus-alertmanager")
	if err == nil {
		// Without its templates it does not start.
		_, err = os.Stat("/usr/share/prometheus/alertmanager/default.tmpl")
	}
	if err != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatalf("no Alertmanager (%v): install the Debian package prometheus-alertmanager", err)
		}
		t.Skipf("no Alertmanager (%v): install the Debian package prometheus-alertmanager to run this test", err)
	}
	return path
}

// FreePort returns a port that nothing listens on.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

const realConfig = `
route:
  receiver: hook
  group_by: [alertname, instance, process]
  group_wait: 300ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: hook
  webhook_configs:
  - url: %s
    send_resolved: true
`

// Real is a running Alertmanager.
type Real struct {
	URL     string
	cluster string // its address in the cluster
	cmd     *exec.Cmd
}

// Start starts an Alertmanager that delivers to a URL, alone unless peers are named, until the test
// ends.
func Start(t *testing.T, receiver string, cluster string, peers ...string) *Real {
	t.Helper()
	path, dir := binary(t), t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, realConfig, receiver), 0o600); err != nil {
		t.Fatal(err)
	}
	address := FreePort(t)
	args := []string{
		"--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
		"--cluster.listen-address=" + cluster, "--cluster.peer-timeout=2s", "--cluster.settle-timeout=5s",
		"--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=1s",
	}
	for _, peer := range peers {
		args = append(args, "--cluster.peer="+peer)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &Real{URL: "http://" + address, cluster: cluster, cmd: cmd}
	t.Cleanup(func() {
		a.Kill()
		if said, err := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Alertmanager %s: %s, %v", address, said, err)
		}
		_ = log.Close()
	})
	Until(t, "Alertmanager to answer", func() bool { return a.Status() != nil })
	return a
}

// Kill ends it as a crash would.
func (a *Real) Kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// Status returns the names of the cluster's members that an instance knows,
// and nil for one that does not answer.
func (a *Real) Status() []string {
	resp, err := http.Get(a.URL + "/api/v2/status")
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	var s struct {
		Cluster struct {
			Status string
			Peers  []struct{ Name string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || s.Cluster.Status == "settling" {
		return nil
	}
	names := []string{}
	for _, p := range s.Cluster.Peers {
		names = append(names, p.Name)
	}
	return names
}

// Until polls until a condition holds.
func Until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 40 s for %s", what)
		}
	}
}

// Receiver is what Alertmanager delivers to.
type Receiver struct {
	URL string
	mu  sync.Mutex
	got []string
}

// NewReceiver starts a Receiver, until the test ends.
func NewReceiver(t *testing.T) *Receiver {
	t.Helper()
	r := &Receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m struct {
		Alerts []struct {
			Status      string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&m)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.got = append(r.got, err.Error())
	}
	for _, a := range m.Alerts {
		r.got = append(r.got, fmt.Sprintf("%s %s %s: %s", a.Status, a.Labels["alertname"], a.Labels["process"], a.Annotations["summary"]))
	}
}

// Deliveries returns what was delivered so far, sorted: status, alertname,
// process and summary of each alert.
func (r *Receiver) Deliveries() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := slices.Clone(r.got)
	slices.Sort(got)
	return got
}

// Expect waits for the deliveries, and for a while longer for more of them.
func (r *Receiver) Expect(t *testing.T, longer time.Duration, want ...string) {
	t.Helper()
	slices.Sort(want)
	Until(t, fmt.Sprintf("%q", want), func() bool { return len(r.Deliveries()) >= len(want) })
	for end := time.Now().Add(longer); time.Now().Before(end) && len(r.Deliveries()) == len(want); {
		<-time.After(20 * time.Millisecond)
	}
	if got := r.Deliveries(); !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

// PeerName returns an instance's own name in the cluster.
func (a *Real) PeerName(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(a.URL + "/api/v2/status")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var s struct{ Cluster struct{ Name string } }
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s.Cluster.Name
}
