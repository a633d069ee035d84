package alertmanager_test

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
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

// freePort returns a port that nothing listens on.
func freePort(t *testing.T) string {
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

// real is a running Alertmanager.
type real struct {
	url     string
	cluster string // its address in the cluster
	cmd     *exec.Cmd
}

// startReal starts Alertmanager, alone unless peers are named, until the test
// ends.
func startReal(t *testing.T, receiver string, cluster string, peers ...string) *real {
	t.Helper()
	path, dir := binary(t), t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, realConfig, receiver), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	args := []string{
		"--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
		"--cluster.listen-address=" + cluster, "--cluster.peer-timeout=2s", "--cluster.settle-timeout=5s",
		"--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=1s",
	}
	for _, peer := range peers {
		args = append(args, "--cluster.peer="+peer)
	}
	log := &lockedBuffer{}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &real{url: "http://" + address, cluster: cluster, cmd: cmd}
	t.Cleanup(func() {
		a.kill()
		if t.Failed() {
			t.Logf("Alertmanager %s: %s", address, log)
		}
	})
	until(t, "Alertmanager to answer", func() bool { return a.status() != nil })
	return a
}

// kill ends it as a crash would.
func (a *real) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// status returns the names of the cluster's members that an instance knows,
// and nil for one that does not answer.
func (a *real) status() []string {
	resp, err := http.Get(a.url + "/api/v2/status")
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

// until polls until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 40 s for %s", what)
		}
	}
}

// receiver is what Alertmanager delivers to.
type receiver struct {
	url string
	mu  sync.Mutex
	got []string
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
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

func (r *receiver) deliveries() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := slices.Clone(r.got)
	slices.Sort(got)
	return got
}

// expect waits for the deliveries, and for a while longer for more of them.
func (r *receiver) expect(t *testing.T, longer time.Duration, want ...string) {
	t.Helper()
	slices.Sort(want)
	until(t, fmt.Sprintf("%q", want), func() bool { return len(r.deliveries()) >= len(want) })
	for end := time.Now().Add(longer); time.Now().Before(end) && len(r.deliveries()) == len(want); {
		time.Sleep(20 * time.Millisecond)
	}
	if got := r.deliveries(); !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func TestRealAlertmanagerFiresAndResolves(t *testing.T) {
	hook := startReceiver(t)
	a := startReal(t, hook.url, "")
	am, err := alertmanager.New(alertmanager.Config{URLs: []string{a.url}})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	if err := am.Check(t.Context()); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	keeper := alertmanager.NewKeeper(am, alertmanager.KeeperOptions{})
	for _, tt := range []struct {
		process string
		n       notify.Notifier
	}{{"plain", am}, {"kept", keeper}} {
		fatal := event("FATAL", tt.process)
		fatal.Log, fatal.Labels = "last \x1b[1mwords\n中文 <&>\xff", map[string]string{"not-valid": "x", "empty": ""}
		fatal.Time = fatal.Time.Add(-10 * time.Minute) // it waited in a spool
		send(t, tt.n, fatal)
	}
	fired := []string{"firing ProcessFatal kept: kept fatal", "firing ProcessFatal plain: plain fatal"}
	hook.expect(t, 0, fired...)
	for process, n := range map[string]notify.Notifier{"plain": am, "kept": keeper, "other": am} {
		running := event("RUNNING", process)
		running.Labels = map[string]string{"not-valid": "x", "empty": ""}
		send(t, n, running)
	}
	// What never fired is not told as resolved.
	hook.expect(t, 3*time.Second, append(fired,
		"resolved ProcessFatal kept: kept fatal", "resolved ProcessFatal plain: plain running")...)
}

// What Alertmanager refuses, and what it makes of a batch.
func TestRealAlertmanagerRefuses(t *testing.T) {
	hook := startReceiver(t)
	a := startReal(t, hook.url, "")
	for _, tt := range []struct {
		body, contentType string
		want              int
	}{
		{`[{"labels":{"alertname":"x","process":"good"}}]`, "application/json", 200},
		{`[{"labels":{"alertname":"x"}}]`, "text/plain", 415},
		{`{"labels":{"alertname":"x"}}`, "application/json", 400},
		{`[{"labels":{}}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x","a-b":"y"}}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x","process":"with bad"}},{"labels":{"a-b":"y"}}]`, "application/json", 400},
	} {
		resp, err := http.Post(a.url+"/api/v2/alerts", tt.contentType, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want || tt.want == 200 && len(body) > 0 {
			t.Errorf("POST %s = %d %s, want %d", tt.body, resp.StatusCode, body, tt.want)
		}
	}
	hook.expect(t, 0, "firing x good: ", "firing x with bad: ")
}

// A pair delivers once; so does what is left of it.
func TestRealClusterDeliversOnce(t *testing.T) {
	hook := startReceiver(t)
	first, second := freePort(t), freePort(t)
	a := startReal(t, hook.url, first)
	b := startReal(t, hook.url, second, first)
	until(t, "the cluster", func() bool { return len(a.status()) == 2 && len(b.status()) == 2 })
	am, err := alertmanager.New(alertmanager.Config{URLs: []string{a.url, b.url}})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	log, logged := quiet()
	k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log})
	send(t, k, event("FATAL", "cat"))
	send(t, k, event("FATAL", "dog"))
	want := []string{"firing ProcessFatal cat: cat fatal", "firing ProcessFatal dog: dog fatal"}
	// The other one waits for 2 s before it delivers what was not delivered.
	hook.expect(t, 5*time.Second, want...)

	// The one that delivers is the first by name; kill it.
	names := a.status()
	killed := a
	if self := peerName(t, b); self == slices.Min(names) {
		killed = b
	}
	killed.kill()
	send(t, k, event("FATAL", "fox"))
	send(t, k, event("RUNNING", "cat"))
	want = append(want, "firing ProcessFatal fox: fox fatal", "resolved ProcessFatal cat: cat fatal")
	hook.expect(t, 4*time.Second, want...)
	if !strings.Contains(logged(), "does not take alerts") {
		t.Errorf("log = %s, want a warning for the one that was killed", logged())
	}
}

// peerName returns an instance's own name in the cluster.
func peerName(t *testing.T, a *real) string {
	t.Helper()
	resp, err := http.Get(a.url + "/api/v2/status")
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
