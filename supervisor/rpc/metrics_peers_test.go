package rpc_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrometheusScrapes lets Debian's Prometheus scrape the daemon, behind its
// password.
func TestPrometheusScrapes(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(tool); err != nil {
			message := "needs Debian's package prometheus: " + err.Error()
			if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
				t.Fatal(message)
			}
			t.Skip(message)
		}
	}
	s := serve(t, buildSupervisord(t), "secret", shouter+
		"[program:gone]\ncommand=/bin/sh -c \"exit 3\"\nautorestart=false\nstartsecs=0\n"+
		"[program:missing]\ncommand=/nonexistent/program\nstartretries=0\n"+
		"[eventlistener:deaf]\ncommand=/bin/sleep 1000\nevents=EVENT\nbuffer_size=2\n")
	for _, text := range []string{"success: shouter", "exited: gone", "gave up: missing"} {
		if err := s.WaitLog(text, 1); err != nil {
			t.Fatal(err)
		}
	}
	page := s.ask(t, true, "GET /metrics HTTP/1.0\r\n"+basic("user:secret")+"\r\n")
	if page.status != http.StatusOK {
		t.Fatalf("GET /metrics: %+v", page)
	}
	if refused := s.ask(t, true, "GET /metrics HTTP/1.0\r\n\r\n"); refused.status != http.StatusUnauthorized {
		t.Errorf("GET /metrics without the password: %+v, want 401", refused)
	}

	dir, port := t.TempDir(), freePort(t)
	config := fmt.Sprintf("global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: vigilance\n"+
		"  basic_auth: {username: user, password: secret}\n  static_configs:\n  - targets: ['127.0.0.1:%d']\n", s.port)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	prometheus := exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port))
	prometheus.Stdout, prometheus.Stderr = log, log
	if err := prometheus.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = prometheus.Process.Kill()
		_ = prometheus.Wait()
	}()
	// query returns the values of an expression.
	query := func(expression string) (values []string) {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?query=%s", port, url.QueryEscape(expression)))
		if err != nil {
			return nil // not up yet
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		if json.Unmarshal(text, &answer) != nil {
			return nil
		}
		for _, r := range answer.Data.Result {
			values = append(values, fmt.Sprint(r.Value[1]))
		}
		return values
	}
	until(t, "a scrape", func() bool { return strings.Join(query(`up{job="vigilance"}`), " ") == "1" })
	for expression, want := range map[string]string{
		`vigilance_process_state{name="shouter",state="RUNNING"}`:            "1",
		`vigilance_process_state{name="missing",state="FATAL"}`:              "1",
		`sum(vigilance_process_state)`:                                       "4",
		`vigilance_process_starts_total{name="gone"}`:                        "1",
		`vigilance_process_exits_total{name="gone",reason="unexpected"}`:     "1",
		`vigilance_process_exits_total{name="missing",reason="spawn_error"}`: "1",
		`vigilance_process_output_bytes_total{name="shouter"} > 0`:           "6",
		`vigilance_process_resident_memory_bytes{name="shouter"} > bool 1e4`: "1",
		`vigilance_process_uptime_seconds{name="shouter"} > bool 0`:          "1",
		`vigilance_pool_events_waiting{pool="deaf"}`:                         "2",
		`vigilance_pool_events_dropped_total{pool="deaf"} > bool 0`:          "1",
		`vigilance_supervisor_state{state="RUNNING"}`:                        "1",
		`sum(vigilance_http_requests_total{handler="metrics"}) > bool 0`:     "1",
	} {
		if got := strings.Join(query(expression), " "); got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(page.body)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
