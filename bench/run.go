package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// errInterrupted is why something was not measured to its end.
var errInterrupted = errors.New("the run was interrupted")

// defaultBudget is the time of a measure that says nothing else: rounds are
// left out when it is spent.
const defaultBudget = time.Minute

// runVar marks all that a run starts in its environment, so that the run can
// end what a daemon that was killed has left behind, and nothing else.
const runVar = "BENCH_RUN"

// bench is one run.
type bench struct {
	options
	dir      string // what the run makes stands here
	progress io.Writer
	floor    string // the compiled floors/floor.c; "" when it could not be built
}

// result is what one figure of a measure is for each daemon.
type result struct {
	measure measure
	figure  figure
	size    int // programs, or what else the measure counts
	samples map[string]samples
	notes   map[string]string // what is told instead of a sample, by daemon
	floors  []floorValue
}

// job is what is taken together: one measure, or all that look at the same
// daemon's life.
type job struct {
	measures []measure
	size     int
}

// jobs are what is asked for, in the order in which it is taken: the lives
// first, from few programs to many.
func (b *bench) jobs() []job {
	var takes []job
	lives := make(map[int][]measure)
	for _, m := range measures {
		if len(b.only) > 0 && !slices.Contains(b.only, m.name) {
			continue
		}
		for _, size := range b.sizesOf(m) {
			if m.look != nil {
				lives[size] = append(lives[size], m)
			} else {
				takes = append(takes, job{[]measure{m}, size})
			}
		}
	}
	var list []job
	for _, size := range slices.Sorted(maps.Keys(lives)) {
		list = append(list, job{lives[size], size})
	}
	return append(list, takes...)
}

// has tells whether a measure of that name is part of the job.
func (j job) has(name string) bool {
	return slices.ContainsFunc(j.measures, func(m measure) bool { return m.name == name })
}

// title names the job.
func (j job) title() string {
	name := j.measures[0].name
	if len(j.measures) > 1 {
		name = "a life"
	}
	if j.measures[0].of == "" {
		return name
	}
	return fmt.Sprintf("%s, %s %s", name, thousands(j.size), j.measures[0].of)
}

// budget is the time that the job may take, with all daemons and rounds.
func (j job) budget() time.Duration {
	if j.measures[0].look == nil {
		return cmp.Or(j.measures[0].budget, defaultBudget)
	}
	return min(lifeBudget+time.Duration(j.size)*lifeBudgetEach, maxLifeBudget)
}

// The budget of a life: some daemons need seconds for a start of a thousand
// programs, and a minute for their end.
const (
	lifeBudget     = 45 * time.Second
	lifeBudgetEach = 150 * time.Millisecond
	maxLifeBudget  = 200 * time.Second
)

// manyPrograms is the size from which one round has to do.
const manyPrograms = 2000

// rounds returns how often the job is done.
func (j job) rounds(m measure, o options) int {
	switch {
	case j.size >= manyPrograms && m.look != nil:
		return 1
	case o.rounds > 0:
		return o.rounds
	case o.short:
		return max(1, m.rounds/3)
	}
	return m.rounds
}

// measureAll does every job, the daemons in turn, and with each the floors
// that belong to it. What fails becomes a gap; the rest goes on, unless ctx is
// over.
func (b *bench) measureAll(ctx context.Context) (results []*result, gaps []gap) {
	gaps = b.buildFloor(ctx)
	jobs, most := b.jobs(), time.Duration(0)
	for _, j := range jobs {
		most += j.budget()
	}
	_, _ = fmt.Fprintf(b.progress, "%v at most, and the floors; usually less\n", most.Round(time.Second))
	for _, j := range jobs {
		if ctx.Err() != nil {
			gaps = append(gaps, gap{j.title(), "the run was interrupted before"})
			continue
		}
		found, missing := b.do(ctx, j)
		more := b.takeFloors(ctx, j, found)
		results, gaps = append(results, found...), append(append(gaps, missing...), more...)
	}
	slices.SortStableFunc(results, func(x, y *result) int {
		return slices.Index(measureNames(), x.measure.name) - slices.Index(measureNames(), y.measure.name)
	})
	return results, gaps
}

// do does a job round by round, within its budget. Every daemon has an equal
// share of it in the first round, and what the daemons before have left; a
// further round begins only if it is expected to fit.
func (b *bench) do(ctx context.Context, j job) (found []*result, gaps []gap) {
	rounds := 0
	for _, m := range j.measures {
		rounds = max(rounds, j.rounds(m, b.options))
		for _, f := range m.figures {
			found = append(found, &result{measure: m, figure: f, size: j.size,
				samples: make(map[string]samples), notes: make(map[string]string)})
		}
	}
	budget, began := j.budget(), time.Now()
	longest, done := time.Duration(0), 0
	for ; done < rounds && ctx.Err() == nil && time.Since(began)+longest <= budget; done++ {
		round := time.Now()
		order := slices.Clone(b.daemons)
		if done%2 == 1 { // none profits from what was before it
			slices.Reverse(order)
		}
		for i, d := range order {
			if ctx.Err() != nil {
				break
			}
			share := budget
			if done == 0 {
				share = budget * time.Duration(i+1) / time.Duration(len(b.daemons))
			}
			b.say("%s, round %d of %d: %s", j.title(), done+1, rounds, d.name)
			err := b.once(ctx, j, d, done, began.Add(share), found)
			if err != nil {
				gaps = append(gaps, gap{d.name + ", " + j.title(), err.Error()})
			}
		}
		longest = max(longest, time.Since(round))
	}
	b.say("")
	took := time.Since(began).Round(100 * time.Millisecond)
	_, _ = fmt.Fprintf(b.progress, "%-50s %d of %d rounds in %v, budget %v\n", j.title(), done, rounds, took, budget)
	return found, gaps
}

// once does a job with one daemon, until end at most, and leaves no process
// behind when that fails.
func (b *bench) once(ctx context.Context, j job, d daemon, round int, end time.Time, found []*result) error {
	began := time.Now()
	bounded, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var err error
	if j.measures[0].look != nil {
		err = b.liveOnce(bounded, j, d, round, found)
	} else {
		var got []samples
		got, err = j.measures[0].take(bounded, b, d, j.size)
		keep(found, j.measures[0], d, got, err)
	}
	if err == nil {
		return nil
	}
	b.sweep()
	var late notWithin
	switch {
	case errors.As(err, &late):
	case ctx.Err() != nil:
		return errInterrupted
	case bounded.Err() != nil:
		return fmt.Errorf("not done after %v, its part of the budget", end.Sub(began).Round(time.Second))
	}
	return err
}

// liveOnce lets a daemon live, and every measure look at it.
func (b *bench) liveOnce(ctx context.Context, j job, d daemon, round int, found []*result) (err error) {
	began := time.Now()
	l, err := b.beginLife(ctx, d, j.size)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = notWithin{"start all programs", time.Since(began)}
		}
		keep(found, j.measures[0], d, nil, err)
		return err
	}
	defer finish(l.running, &err)
	var failed error // of some look; the others go on
	var late notWithin
	for _, m := range j.measures {
		if round >= j.rounds(m, b.options) || ctx.Err() != nil {
			continue
		}
		b.say("%s, round %d: %s, %s", j.title(), round+1, d.name, m.name)
		got, err := m.look(ctx, b, l)
		keep(found, m, d, got, err)
		if err != nil && !errors.As(err, &late) { // the table tells what was too late
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(failed, ctx.Err())
}

// keep adds samples to the results of a measure. Where a daemon has none of its
// first figure since it took too long, that is told instead.
func keep(found []*result, m measure, d daemon, got []samples, err error) {
	var late notWithin
	i := 0
	for _, r := range found {
		if r.measure.name != m.name {
			continue
		}
		if i < len(got) {
			r.samples[d.name] = append(r.samples[d.name], got[i]...)
		}
		i++
		if errors.As(err, &late) && len(r.samples[d.name]) == 0 && r.figure == m.figures[0] {
			r.notes[d.name] = fmt.Sprintf("over %.0f s", late.limit.Seconds())
		}
	}
}

// say shows what is being done, where somebody looks.
func (b *bench) say(format string, args ...any) {
	if f, ok := b.progress.(*os.File); !ok {
		return
	} else if fi, err := f.Stat(); err != nil || fi.Mode()&os.ModeCharDevice == 0 {
		return
	}
	_, _ = fmt.Fprintf(b.progress, "\r%-78.78s\r", fmt.Sprintf(format, args...)) // a terminal that is gone has no reader
}

// sizesOf returns the sizes that a measure is taken with.
func (b *bench) sizesOf(m measure) []int {
	switch {
	case len(b.programs) > 0 && m.grows:
		return b.programs
	case b.short:
		return m.short
	}
	return m.sizes
}

// key is the figure's, with its measure's name: start/all.
func (r *result) key() string { return r.measure.name + "/" + r.figure.key }

// environ is the environment of what the run starts.
func (b *bench) environ() []string { return append(os.Environ(), runVar+"="+b.dir) }

// sweep kills what carries the run's mark. It finds nothing where there is no
// /proc.
func (b *bench) sweep() {
	mark := []byte(runVar + "=" + b.dir + "\x00")
	for again, looks := true, 0; again && looks < 20; looks++ { // what was being forked shows up in the next look
		again = false
		files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
		for _, f := range files {
			env, err := os.ReadFile(f)
			if err != nil || !bytes.Contains(env, mark) {
				continue
			}
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				again = syscall.Kill(pid, syscall.SIGKILL) == nil || again
			}
		}
	}
}
