package main

import (
	"context"
	"time"
)

// figure is one number that a measure yields.
type figure struct {
	key  string // names it within its measure, for goals, floors and plots: "all" of start is start/all
	name string // what it is, for the report
	unit string
	// quantile of the samples that is told; 0 for the median.
	quantile float64
}

// measure is one way to look at a daemon. It has either take or look.
type measure struct {
	name    string        // for -only
	sizes   []int         // how many
	short   []int         // how many under -short; none leaves the measure out
	of      string        // what there are so many of, for the report; empty to say nothing
	grows   bool          // -programs applies
	rounds  int           // but one with very many programs
	budget  time.Duration // for all rounds of all daemons at one size; 0 for defaultBudget
	figures []figure
	// take looks at a fresh daemon once and returns the samples of each figure.
	take func(ctx context.Context, b *bench, d daemon, size int) ([]samples, error)
	// look does so with a daemon that runs size sleepers. One daemon serves
	// all measures that only look.
	look func(ctx context.Context, b *bench, l *life) ([]samples, error)
}

const programs = "programs"

// one is the size of what has none.
var one = []int{1}

// lifeSizes are how many programs show how a daemon grows.
var lifeSizes, lifeShort = []int{100, 1000, 5000}, []int{200}

// measures are all there are, in the order of the report. Those with look are
// taken in this order from one daemon. It is only read.
var measures = []measure{
	{
		name: "start", sizes: lifeSizes, short: lifeShort, of: programs, grows: true, rounds: 3, look: lookStart,
		figures: []figure{
			{"all", "exec of the daemon to all programs RUNNING", "ms", 0},
			{"rpc", "exec of the daemon to the first RPC answer", "ms", 0},
			{"rpc-p99", "getState while they start, p99", "ms", 0.99},
			{"cpu", "CPU of the daemon until all RUNNING", "ms", 0},
		},
	},
	{
		name: "memory", sizes: []int{0, 100, 1000, 5000}, short: lifeShort, of: programs, grows: true, rounds: 1, look: lookMemory,
		figures: []figure{{"pss", "idle memory (PSS)", "MiB", 0}},
	},
	{
		name: "idle", sizes: []int{1000}, short: lifeShort, of: programs, grows: true, rounds: 1, look: lookIdle,
		figures: []figure{
			{"cpu", "idle CPU", "% of a core", 0},
			{"wakeups", "idle wake-ups a second", "", 0},
		},
	},
	{
		name: "state", sizes: lifeSizes, short: lifeShort, of: programs, grows: true, rounds: 2, look: lookState,
		figures: []figure{
			{"p50", "getState on a kept connection, p50", "ms", 0},
			{"p99", "getState on a kept connection, p99", "ms", 0.99},
		},
	},
	{
		name: "allinfo", sizes: lifeSizes, short: lifeShort, of: programs, grows: true, rounds: 2, look: lookAllInfo,
		figures: []figure{
			{"cpu", "getAllProcessInfo: CPU of the daemon a call", "ms", 0},
			{"wall", "getAllProcessInfo: wall time a call", "ms", 0},
			{"one", "getAllProcessInfo: calls a second, 1 client", "calls/s", 0},
			{"eight", "getAllProcessInfo: calls a second, 8 clients at once", "calls/s", 0},
		},
	},
	{
		name: "status", sizes: lifeSizes, short: lifeShort, of: programs, grows: true, rounds: 3, look: lookStatus,
		figures: []figure{{"wall", "supervisorctl status, with its own supervisorctl", "ms", 0}},
	},
	{
		name: "stop", sizes: lifeSizes, short: lifeShort, of: programs, grows: true, rounds: 2, look: lookStop,
		figures: []figure{{"groups", "SIGTERM to the daemon's end, each program its own group", "ms", 0}},
	},
	{
		name: "stopgroup", sizes: []int{1000}, short: lifeShort, of: programs, grows: true, rounds: 2, take: takeStopGroup, budget: 80 * time.Second,
		figures: []figure{{"group", "SIGTERM to the daemon's end, all programs in one group", "ms", 0}},
	},
	{
		name: "restart", sizes: one, short: one, rounds: 2, budget: 100 * time.Second, take: takeRestart,
		figures: []figure{
			{"p50", "kill -9 of a program to its next start, p50", "ms", 0},
			{"p99", "kill -9 of a program to its next start, p99", "ms", 0.99},
			{"told-p50", "kill -9 of a program to a listener told, p50", "ms", 0},
			{"told-p99", "kill -9 of a program to a listener told, p99", "ms", 0.99},
			{"exit-p50", "exit of a program to its next start, p50", "ms", 0},
			{"exit-p99", "exit of a program to its next start, p99", "ms", 0.99},
		},
	},
	{
		name: "deaths", sizes: []int{200}, short: []int{50}, of: programs, rounds: 1, take: takeDeaths,
		figures: []figure{{"lost", "all killed at once: how many a listener that takes 50 ms for each never hears of", "lost", 0}},
	},
	{
		name: "storm", sizes: one, short: one, rounds: 2, take: takeStorm,
		figures: []figure{
			{"rate", "sendRemoteCommEvent from one client: delivered to a listener", "events/s", 0},
			{"lost", "sendRemoteCommEvent from one client: lost", "%", 0},
			{"cpu", "sendRemoteCommEvent from one client: CPU of the daemon an event", "µs", 0},
			{"many-rate", "100 sendRemoteCommEvent in each call: delivered to a listener", "events/s", 0},
			{"many-lost", "100 sendRemoteCommEvent in each call: lost", "%", 0},
			{"many-cpu", "100 sendRemoteCommEvent in each call: CPU of the daemon an event", "µs", 0},
		},
	},
	{
		name: "processlog", sizes: []int{32}, short: []int{8}, of: "MB of output as PROCESS_LOG events", rounds: 2, take: takeProcessLog,
		figures: []figure{
			{"bytes", "delivered to a listener", "MB/s", 0},
			{"rate", "events delivered", "events/s", 0},
			{"lost", "lost", "% of the bytes", 0},
			{"cpu", "CPU of the daemon for what is delivered", "s/GB", 0},
		},
	},
	{
		name: "capture", sizes: []int{512}, short: []int{64}, of: "MB of lines in blocks", rounds: 3, take: takeCapture,
		figures: []figure{
			{"cpu", "log capture: CPU of the daemon", "s/GB", 0},
			{"rotated", "log capture with rotation every 50 MB: CPU of the daemon", "s/GB", 0},
		},
	},
	{
		name: "lines", sizes: []int{128}, short: []int{16}, of: "MB, a write() for each line", rounds: 3, take: takeLines,
		figures: []figure{{"cpu", "log capture: CPU of the daemon", "s/GB", 0}},
	},
	{
		name: "chatter", sizes: []int{1000}, short: []int{100}, of: programs, rounds: 1, take: takeChatter, budget: 90 * time.Second,
		figures: []figure{
			{"cpu", "each writing a line a second: CPU of the daemon", "% of a core", 0},
			{"logged", "each writing a line a second: lines logged", "%", 0},
		},
	},
	{
		name: "alert", sizes: one, short: one, rounds: 1, budget: 2 * time.Minute, take: takeAlert,
		figures: []figure{
			{"p50", "death of a program to DATA at an SMTP server, through crashmail, p50", "ms", 0},
			{"p99", "death of a program to DATA at an SMTP server, through crashmail, p99", "ms", 0.99},
		},
	},
	{
		name: "superlance", sizes: one, short: one, rounds: 1, budget: 90 * time.Second, take: takeSuperlance,
		figures: []figure{
			{"p50", "death of a program to the mail command, through superlance's crashmail, p50", "ms", 0},
			{"p99", "death of a program to the mail command, through superlance's crashmail, p99", "ms", 0.99},
		},
	},
	{
		name: "tools", sizes: one, short: one, rounds: 2, take: takeTools,
		figures: []figure{
			{"supervisord-size", "supervisord, stripped: size of the binary", "MiB", 0},
			{"supervisorctl-size", "supervisorctl, stripped: size of the binary", "MiB", 0},
			{"crashmail-size", "crashmail, stripped: size of the binary", "MiB", 0},
			{"supervisorctl-first", "supervisorctl status of one program: exec to the first line", "ms", 0},
			{"listener-ready", "an idle listener (crashmail; with childutils): exec to READY", "ms", 0},
			{"listener-rss", "an idle listener (crashmail; with childutils): memory (RSS)", "MiB", 0},
			{"slackalert-rss", "an idle slackalert: memory (RSS)", "MiB", 0},
		},
	},
}

func measureNames() []string {
	var names []string
	for _, m := range measures {
		names = append(names, m.name)
	}
	return names
}

// ms is a duration as a sample.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
