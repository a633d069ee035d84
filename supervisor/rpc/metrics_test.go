package rpc

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// fixedStats answers with what it is.
type fixedStats struct {
	stats supervisor.Stats
	err   error
}

func (f fixedStats) Stats(context.Context) (supervisor.Stats, error) { return f.stats, f.err }

func exampleCollector() *collector {
	now := time.Unix(1_800_000_000, 0)
	counts := newRequestCounts()
	counts.add("rpc", http.StatusOK, 100)
	counts.add("rpc", http.StatusOK, 50)
	counts.add("web", http.StatusNotFound, 7)
	return newCollector(fixedStats{stats: supervisor.Stats{
		Mood: supervisor.MoodRunning, Events: 9,
		Processes: []supervisor.ProcessStats{
			{
				ProcessInfo: supervisor.ProcessInfo{
					Group: "web", Name: "web_1", State: process.Running, PID: 7, Start: now.Add(-time.Minute), Now: now,
				},
				Starts: 4, Exits: [supervisor.ExitReasons]uint64{1, 2, 3, 4, 5}, StdoutBytes: 11, StderrBytes: 12,
			},
			{ProcessInfo: supervisor.ProcessInfo{Group: "grün", Name: `qu"ote`, State: process.Fatal}},
		},
		Pools: []supervisor.PoolStats{{
			Name: "mail", Accepted: 9, Sent: 8, Processed: 6, Rejected: 1, Dropped: 2, Waiting: 1, MaxWaiting: 10, WaitingBytes: 99,
		}},
	}}, counts, func(pid int) (resources, bool) { return resources{1.5, 4096}, pid == 7 })
}

func TestMetricsFollowConventions(t *testing.T) {
	problems, err := testutil.CollectAndLint(exampleCollector())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsHoldTheCounts(t *testing.T) {
	const want = `
# HELP vigilance_http_requests_total Answered HTTP requests.
# TYPE vigilance_http_requests_total counter
vigilance_http_requests_total{code="200",handler="rpc"} 2
vigilance_http_requests_total{code="404",handler="web"} 1
# HELP vigilance_http_response_bytes_total Bytes of the bodies of HTTP answers.
# TYPE vigilance_http_response_bytes_total counter
vigilance_http_response_bytes_total{code="200",handler="rpc"} 150
vigilance_http_response_bytes_total{code="404",handler="web"} 7
# HELP vigilance_pool_events_dropped_total Events that were lost because the pool's buffer was full.
# TYPE vigilance_pool_events_dropped_total counter
vigilance_pool_events_dropped_total{pool="mail"} 2
# HELP vigilance_process_cpu_seconds_total CPU time of the running child, without its own children.
# TYPE vigilance_process_cpu_seconds_total counter
vigilance_process_cpu_seconds_total{group="web",name="web_1"} 1.5
# HELP vigilance_process_exits_total Children that ended, or could not be started, by reason.
# TYPE vigilance_process_exits_total counter
vigilance_process_exits_total{group="grün",name="qu\"ote",reason="expected"} 0
vigilance_process_exits_total{group="grün",name="qu\"ote",reason="signal"} 0
vigilance_process_exits_total{group="grün",name="qu\"ote",reason="spawn_error"} 0
vigilance_process_exits_total{group="grün",name="qu\"ote",reason="stopped"} 0
vigilance_process_exits_total{group="grün",name="qu\"ote",reason="unexpected"} 0
vigilance_process_exits_total{group="web",name="web_1",reason="expected"} 1
vigilance_process_exits_total{group="web",name="web_1",reason="signal"} 3
vigilance_process_exits_total{group="web",name="web_1",reason="spawn_error"} 5
vigilance_process_exits_total{group="web",name="web_1",reason="stopped"} 4
vigilance_process_exits_total{group="web",name="web_1",reason="unexpected"} 2
# HELP vigilance_process_uptime_seconds Time since the running child was started.
# TYPE vigilance_process_uptime_seconds gauge
vigilance_process_uptime_seconds{group="web",name="web_1"} 60
`
	err := testutil.CollectAndCompare(exampleCollector(), strings.NewReader(want),
		"vigilance_http_requests_total", "vigilance_http_response_bytes_total", "vigilance_pool_events_dropped_total",
		"vigilance_process_cpu_seconds_total", "vigilance_process_exits_total", "vigilance_process_uptime_seconds")
	if err != nil {
		t.Error(err)
	}
}

// TestMetricsOfADaemonThatDoesNotAnswer: a scrape fails instead of showing a
// daemon without processes.
func TestMetricsOfADaemonThatDoesNotAnswer(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(fixedStats{err: errors.New("no answer")}, newRequestCounts(), usage))
	w := httptest.NewRecorder()
	metricsPage(registry).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "no answer") {
		t.Errorf("GET /metrics: got %d, %q, want 500 with the reason", w.Code, w.Body)
	}
}
