package rpc

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

const (
	// gatherPatience bounds a scrape's wait for the daemon.
	gatherPatience = 5 * time.Second
	// maxScrapes bounds the scrapes at one time.
	maxScrapes = 4
)

// newMetrics serves /metrics in Prometheus' text format, from a registry of
// its own. docs/metrics.md lists what is in it. Nothing is gathered before
// somebody asks.
func newMetrics(d *supervisor.Daemon, counts *requestCounts) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		newCollector(d, counts, usage),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return metricsPage(registry)
}

// metricsPage serves what the registry gathers.
func metricsPage(registry *prometheus.Registry) http.Handler {
	page := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		DisableCompression:  true, // as all answers are, if the client asks
		MaxRequestsInFlight: maxScrapes,
		CoalesceGather:      true,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, http.StatusBadRequest)
			return
		}
		plainly(w.Header())
		page.ServeHTTP(w, r)
	})
}

// statistician is what a collector asks.
type statistician interface {
	Stats(ctx context.Context) (supervisor.Stats, error)
}

// resources is what a process has used of the machine.
type resources struct {
	cpuSeconds    float64
	residentBytes uint64
}

// collector turns the daemon's counts into metrics.
type collector struct {
	daemon statistician
	counts *requestCounts
	usage  func(pid int) (resources, bool)

	state                                         *prometheus.Desc
	procState, starts, exits, uptime, cpu, memory *prometheus.Desc
	output                                        *prometheus.Desc
	events                                        *prometheus.Desc
	accepted, sent, processed, rejected, dropped  *prometheus.Desc
	waiting, waitingBytes, waitingMax             *prometheus.Desc
	requests, responseBytes                       *prometheus.Desc
}

func newCollector(d statistician, counts *requestCounts, usage func(pid int) (resources, bool)) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("vigilance_"+name, help, labels, nil)
	}
	return &collector{
		daemon: d, counts: counts, usage: usage,
		state:         desc("supervisor_state", "Whether the daemon is in this state.", "state"),
		procState:     desc("process_state", "Whether the process is in this state.", "group", "name", "state"),
		starts:        desc("process_starts_total", "Children that were started.", "group", "name"),
		exits:         desc("process_exits_total", "Children that ended, or could not be started, by reason.", "group", "name", "reason"),
		uptime:        desc("process_uptime_seconds", "Time since the running child was started.", "group", "name"),
		cpu:           desc("process_cpu_seconds_total", "CPU time of the running child, without its own children.", "group", "name"),
		memory:        desc("process_resident_memory_bytes", "Resident memory of the running child, without its own children.", "group", "name"),
		output:        desc("process_output_bytes_total", "Bytes that the children have written.", "group", "name", "channel"),
		events:        desc("events_total", "Events that at least one pool subscribed to."),
		accepted:      desc("pool_events_total", "Events that the pool took in.", "pool"),
		sent:          desc("pool_events_sent_total", "Events sent to a listener of the pool, repetitions included.", "pool"),
		processed:     desc("pool_events_processed_total", "Events that a listener of the pool acknowledged with OK.", "pool"),
		rejected:      desc("pool_events_rejected_total", "Events that came back from a listener, to be sent again.", "pool"),
		dropped:       desc("pool_events_dropped_total", "Events that were lost because the pool's buffer was full.", "pool"),
		waiting:       desc("pool_events_waiting", "Events in the pool's buffer.", "pool"),
		waitingBytes:  desc("pool_events_waiting_bytes", "Size of the payloads in the pool's buffer.", "pool"),
		waitingMax:    desc("pool_events_waiting_max", "Events that fit into the pool's buffer.", "pool"),
		requests:      desc("http_requests_total", "Answered HTTP requests.", "handler", "code"),
		responseBytes: desc("http_response_bytes_total", "Bytes of the bodies of HTTP answers.", "handler", "code"),
	}
}

// Describe is part of prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.state, c.procState, c.starts, c.exits, c.uptime, c.cpu, c.memory, c.output,
		c.events, c.accepted, c.sent, c.processed, c.rejected, c.dropped, c.waiting, c.waitingBytes, c.waitingMax,
		c.requests, c.responseBytes,
	} {
		ch <- d
	}
}

// sample sends one value. Names come from a configuration that is UTF-8, which
// is all that labels must be.
type sample func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string)

// Collect is part of prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		m, err := prometheus.NewConstMetric(d, kind, value, labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(d, err)
		}
		ch <- m
	}
	c.counts.collect(c, send)
	ctx, cancel := context.WithTimeout(context.Background(), gatherPatience)
	defer cancel()
	stats, err := c.daemon.Stats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.state, fmt.Errorf("ask the daemon: %w", err))
		return
	}
	for _, m := range []supervisor.Mood{supervisor.MoodRunning, supervisor.MoodRestarting, supervisor.MoodShutdown, supervisor.MoodFatal} {
		send(c.state, prometheus.GaugeValue, truth(stats.Mood == m), m.String())
	}
	send(c.events, prometheus.CounterValue, float64(stats.Events))
	for i := range stats.Processes {
		c.collectProcess(&stats.Processes[i], send)
	}
	for i := range stats.Pools {
		c.collectPool(&stats.Pools[i], send)
	}
}

// reasons are the names of supervisor's exit reasons. They are only read.
var reasons = [supervisor.ExitReasons]string{
	supervisor.ExitExpected:   "expected",
	supervisor.ExitUnexpected: "unexpected",
	supervisor.ExitSignalled:  "signal",
	supervisor.ExitStopped:    "stopped",
	supervisor.ExitNotSpawned: "spawn_error",
}

// states are all that a process can be in. They are only read.
var states = []process.State{
	process.Stopped, process.Starting, process.Running, process.Backoff,
	process.Stopping, process.Exited, process.Fatal, process.Unknown,
}

func (c *collector) collectProcess(p *supervisor.ProcessStats, send sample) {
	for _, s := range states {
		send(c.procState, prometheus.GaugeValue, truth(p.State == s), p.Group, p.Name, s.String())
	}
	send(c.starts, prometheus.CounterValue, float64(p.Starts), p.Group, p.Name)
	for reason, n := range p.Exits {
		send(c.exits, prometheus.CounterValue, float64(n), p.Group, p.Name, reasons[reason])
	}
	send(c.output, prometheus.CounterValue, float64(p.StdoutBytes), p.Group, p.Name, "stdout")
	send(c.output, prometheus.CounterValue, float64(p.StderrBytes), p.Group, p.Name, "stderr")
	if p.PID == 0 {
		return
	}
	send(c.uptime, prometheus.GaugeValue, max(0, p.Now.Sub(p.Start).Seconds()), p.Group, p.Name)
	if used, ok := c.usage(p.PID); ok {
		send(c.cpu, prometheus.CounterValue, used.cpuSeconds, p.Group, p.Name)
		send(c.memory, prometheus.GaugeValue, float64(used.residentBytes), p.Group, p.Name)
	}
}

func (c *collector) collectPool(p *supervisor.PoolStats, send sample) {
	for _, m := range []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value uint64
	}{
		{c.accepted, prometheus.CounterValue, p.Accepted},
		{c.sent, prometheus.CounterValue, p.Sent},
		{c.processed, prometheus.CounterValue, p.Processed},
		{c.rejected, prometheus.CounterValue, p.Rejected},
		{c.dropped, prometheus.CounterValue, p.Dropped},
		{c.waiting, prometheus.GaugeValue, uint64(p.Waiting)},           //nolint:gosec // a length
		{c.waitingBytes, prometheus.GaugeValue, uint64(p.WaitingBytes)}, //nolint:gosec // a length
		{c.waitingMax, prometheus.GaugeValue, uint64(p.MaxWaiting)},     //nolint:gosec // a length
	} {
		send(m.desc, m.kind, float64(m.value), p.Name)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// collect sends what the servers counted.
func (c *requestCounts) collect(to *collector, send sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.counts {
		code := strconv.Itoa(k.code)
		send(to.requests, prometheus.CounterValue, float64(n.requests), k.handler, code)
		send(to.responseBytes, prometheus.CounterValue, float64(n.bytes), k.handler, code)
	}
}
