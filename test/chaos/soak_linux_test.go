package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	soak    = flag.Duration("soak", 0, "how long TestSoak does everything at once; 0 to leave it out")
	soakOut = flag.String("soak-out", "", "the folder for soak.csv and soak.svg; none for the daemon's, which is deleted")
)

// soakSamples is how many measurements the plot has.
const soakSamples = 240

// sample is what a daemon took at one moment of the soak.
type sample struct {
	at time.Duration
	vitals
	faults, deaths, events int // so far
}

// TestSoak does everything at once, for long, and holds that the daemon takes
// no more at its end than after its first quarter.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("left out without -soak; make soak runs it for two hours")
	}
	rnd := random(t)
	r := account(t, "soak of "+soak.String(), "1,000 programs, 20 of them crashing all the time, 3 pools, 30 bad connections, 2 clients")
	d := start(t, spec{
		options: "minfds=16384\nlogfile_maxbytes=50MB",
		config: "[program:quiet]\ncommand=sleep 100000\nstartsecs=0\nautorestart=true\nnumprocs=970\nprocess_name=q%(process_num)03d\n" +
			"[program:crashes]\ncommand=sh -c 'echo crash; exit 1'\nstartsecs=0\nautorestart=true\nnumprocs=20\nprocess_name=c%(process_num)02d\n" +
			"[program:p]\ncommand=sh -c 'sleep 0.$(($$ %% 10))'\nstartsecs=0\nautorestart=true\nnumprocs=8\nprocess_name=p%(process_num)d\n" +
			"[program:writes]\n" + self("beat /dev/null") + "stdout_logfile_maxbytes=5MB\nstdout_logfile_backups=2\n" +
			"[program:restarted]\ncommand=sleep 100000\nstartsecs=0\n" +
			"[eventlistener:good]\n" + self("listen good") + "events=PROCESS_STATE,REMOTE_COMMUNICATION\n" +
			"[eventlistener:dies]\n" + self("listen dies") + "events=REMOTE_COMMUNICATION\nstartsecs=0\nautorestart=true\nbuffer_size=100\n" +
			"[eventlistener:hangs]\n" + self("listen hangs") + "events=REMOTE_COMMUNICATION\nbuffer_size=100\n",
	})
	d.until("the programs to run", func() bool { return len(d.marked()) >= 970 })

	stop := make(chan struct{})
	var load sync.WaitGroup
	var faults, inputs atomic.Int64
	for i := range 30 {
		load.Go(func() { // ends by stop
			for round := 0; !closed(stop); round++ {
				d.harm(i+round*7, stop, &inputs)
			}
		})
	}
	for i := range 2 {
		mine := rand.New(rand.NewPCG(rnd.Uint64(), uint64(i)))
		load.Go(func() { // likewise
			for !closed(stop) {
				faults.Add(int64(d.oneStep(mine, d.rpc, 8)))
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	samples := d.soakFor(*soak, rnd, &faults)
	close(stop)
	load.Wait()

	out := *soakOut
	if out == "" {
		out = d.dir
	}
	writeSoak(t, out, samples)
	first, later := samples[len(samples)/4:len(samples)/2], samples[len(samples)*3/4:]
	grown := func(what string, spare int, of func(sample) int) {
		was, is := median(first, of), median(later, of)
		if is > was+was/10+spare {
			r.leaked += is - was
			t.Errorf("%s grew from %d in the second quarter to %d in the last", what, was, is)
		}
	}
	grown("RSS (KiB)", 6<<10, func(s sample) int { return s.rss })
	grown("descriptors", 20, func(s sample) int { return s.fds })
	grown("goroutines", 20, func(s sample) int { return s.goroutines })
	grown("zombies", 2, func(s sample) int { return s.zombies })
	d.until("all programs to be as told", func() bool { return d.compare() == 0 })
	end := samples[len(samples)-1]
	r.faults, r.inputs = end.faults, int(inputs.Load())
	r.note = fmt.Sprintf("%d deaths, %d events; median RSS %.1f>%.1f MB, fds %d>%d, goroutines %d>%d (second quarter > last)",
		end.deaths, end.events, float64(median(first, func(s sample) int { return s.rss }))/1024, float64(median(later, func(s sample) int { return s.rss }))/1024,
		median(first, func(s sample) int { return s.fds }), median(later, func(s sample) int { return s.fds }),
		median(first, func(s sample) int { return s.goroutines }), median(later, func(s sample) int { return s.goroutines }))
	if dropped := total(d.metrics(), "vigilance_pool_events_dropped_total", `pool="good"`); dropped > 0 {
		r.lost += dropped
		t.Errorf("the good pool lost %d events", dropped)
	}
	d.end()
}

// soakFor measures the daemon again and again, and kills a program and sends an
// event in between.
func (d *daemon) soakFor(length time.Duration, rnd *rand.Rand, faults *atomic.Int64) []sample {
	d.t.Helper()
	var samples []sample
	began := time.Now()
	for every := length / soakSamples; len(samples) < soakSamples; {
		for due := began.Add(time.Duration(len(samples)+1) * every); time.Now().Before(due); <-time.After(100 * time.Millisecond) {
			d.sendEvent("soak")
			if info, err := d.rpc.ProcessInfo(d.t.Context(), fmt.Sprintf("quiet:q%03d", rnd.IntN(970))); err == nil && info.PID > 0 {
				_ = syscall.Kill(info.PID, syscall.SIGKILL) // it may have ended
				faults.Add(1)
			}
		}
		m := d.metrics()
		samples = append(samples, sample{
			at: time.Since(began), vitals: d.vitals(), faults: int(faults.Load()),
			deaths: total(m, "vigilance_process_exits_total", ""), events: total(m, "vigilance_pool_events_processed_total", `pool="good"`),
		})
	}
	return samples
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// median returns the median of one figure.
func median(samples []sample, of func(sample) int) int {
	var values []int
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// writeSoak writes the samples as a table and as a picture.
func writeSoak(t *testing.T, dir string, samples []sample) {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("seconds,rss_kib,fds,goroutines,threads,zombies,faults,deaths,events\n")
	for _, s := range samples {
		fmt.Fprintf(&csv, "%.0f,%d,%d,%d,%d,%d,%d,%d,%d\n", s.at.Seconds(), s.rss, s.fds, s.goroutines, s.threads, s.zombies, s.faults, s.deaths, s.events)
	}
	for name, text := range map[string]string{"soak.csv": csv.String(), "soak.svg": plot(samples)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// plot draws each figure over time, from zero, one below the other.
func plot(samples []sample) string {
	const width, height, left, gap = 720, 90, 8, 34
	figures := []struct {
		name  string
		of    func(sample) float64
		shown string
	}{
		{"resident memory, MB", func(s sample) float64 { return float64(s.rss) / 1024 }, "%.1f"},
		{"file descriptors", func(s sample) float64 { return float64(s.fds) }, "%.0f"},
		{"goroutines", func(s sample) float64 { return float64(s.goroutines) }, "%.0f"},
		{"deaths so far", func(s sample) float64 { return float64(s.deaths) }, "%.0f"},
	}
	end := samples[len(samples)-1].at
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#555">`+"\n",
		width+2*left, len(figures)*(height+gap)+24)
	for i, f := range figures {
		most := 0.0
		for _, s := range samples {
			most = max(most, f.of(s))
		}
		top := i*(height+gap) + 22
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s (at most %s)</text>`+"\n", left, top-6, f.name, fmt.Sprintf(f.shown, most))
		fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="#999"/>`+"\n"+`<polyline fill="none" stroke="#1668b5" stroke-width="1.5" points="`,
			left, top, top+height, left+width)
		for _, s := range samples {
			fmt.Fprintf(&b, "%.1f,%.1f ", left+width*s.at.Seconds()/end.Seconds(), float64(top+height)-f.of(s)/max(most, 1)*height)
		}
		b.WriteString("\"/>\n")
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%v</text>`+"\n</svg>\n", left+width, len(figures)*(height+gap)+16, end.Round(time.Second))
	return b.String()
}
