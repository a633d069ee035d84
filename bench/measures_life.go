package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// life is a daemon from its start to its end, which several measures look at.
type life struct {
	*running
	size    int
	started []samples // as lookStart returns them
}

// beginLife starts a daemon with size sleepers, each in a group of its own,
// and looks at how it does that.
func (b *bench) beginLife(ctx context.Context, d daemon, size int) (_ *life, err error) {
	r, err := b.start(ctx, d, size, sleepers(size))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.kill()
		}
	}()
	answer, err := r.answers()
	if err != nil {
		return nil, err
	}
	first := time.Since(r.began)
	c, err := newRawClient(r.socket(), "supervisor.getState")
	if err != nil {
		return nil, err
	}
	defer c.close()
	all := make(chan error, 1)
	var took, used time.Duration
	go func() { // ends when all run, or with waitLog's patience
		err := r.waitLog("entered RUNNING state", size)
		took = time.Since(r.began)
		used, _ = cpu(r.pid()) // zero shows that it could not be had
		all <- err
	}()
	during := samples{ms(answer)} // it may have waited until all were started
	for {
		select {
		case err := <-all:
			return &life{r, size, []samples{{ms(took)}, {ms(first)}, during, {ms(used)}}}, err
		case <-time.After(5 * time.Millisecond): // often enough to see, too seldom to slow it down
		}
		began := time.Now()
		if err := c.call(); err != nil {
			_ = r.cmd.Process.Kill() // it may have ended, which is why
			<-all                    //nolint:errcheck // it reads the log no more, which kill is about to close
			return nil, err
		}
		during = append(during, ms(time.Since(began)))
	}
}

func lookStart(_ context.Context, _ *bench, l *life) ([]samples, error) { return l.started, nil }

// rest is what a daemon is given to come to rest after a start.
const rest = 2 * time.Second

func lookMemory(ctx context.Context, _ *bench, l *life) ([]samples, error) {
	if err := sleep(ctx, rest); err != nil {
		return nil, err
	}
	memory, err := pss(l.pid())
	for range 8 { // some hand back what a start took little by little
		if err == nil {
			err = sleep(ctx, time.Second)
		}
		if err != nil {
			return nil, err
		}
		before := memory
		if memory, err = pss(l.pid()); memory > 0.99*before {
			break
		}
	}
	return []samples{{memory / (1 << 20)}}, err
}

func lookIdle(ctx context.Context, b *bench, l *life) ([]samples, error) {
	span := 30 * time.Second
	if b.short {
		span = 5 * time.Second
	}
	if err := sleep(ctx, rest); err != nil {
		return nil, err
	}
	before, err := cpu(l.pid())
	if err != nil {
		return nil, err
	}
	woken := wakeups(l.pid())
	if err := sleep(ctx, span); err != nil {
		return nil, err
	}
	after, err := cpu(l.pid())
	return []samples{
		{100 * float64(after-before) / float64(span)},
		{(wakeups(l.pid()) - woken) / span.Seconds()},
	}, err
}

// lookSpan is how long a question is put to a daemon over and over, at most.
func (b *bench) lookSpan() time.Duration {
	if b.short {
		return time.Second
	}
	return 3 * time.Second
}

func lookState(_ context.Context, b *bench, l *life) ([]samples, error) {
	c, err := newRawClient(l.socket(), "supervisor.getState")
	if err != nil {
		return nil, err
	}
	defer c.close()
	var s samples
	for end := time.Now().Add(b.lookSpan()); len(s) < 1000 && time.Now().Before(end); {
		began := time.Now()
		if err := c.call(); err != nil {
			return nil, err
		}
		s = append(s, ms(time.Since(began)))
	}
	return []samples{s, s}, nil
}

func lookAllInfo(_ context.Context, b *bench, l *life) ([]samples, error) {
	const method = "supervisor.getAllProcessInfo"
	if _, err := l.rpc.call(method); err != nil { // a fault would be a short answer
		return nil, err
	}
	before, err := cpu(l.pid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	calls, err := l.callFrom(1, method, b.lookSpan())
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := cpu(l.pid())
	if err != nil {
		return nil, err
	}
	began = time.Now()
	many, err := l.callFrom(8, method, b.lookSpan())
	return []samples{
		{ms(after-before) / float64(calls)}, {ms(took) / float64(calls)},
		{float64(calls) / took.Seconds()}, {float64(many) / time.Since(began).Seconds()},
	}, err
}

// callFrom calls a method over and over from so many clients at once, for a
// span of time, and returns how many calls that made.
func (l *life) callFrom(clients int, method string, span time.Duration) (int, error) {
	var all sync.WaitGroup
	counts, errs := make([]int, clients), make([]error, clients)
	end := time.Now().Add(span)
	for i := range clients {
		all.Go(func() { // ends after span and the last call
			var c *rawClient
			if c, errs[i] = newRawClient(l.socket(), method); errs[i] != nil {
				return
			}
			defer c.close()
			for ; errs[i] == nil && time.Now().Before(end); counts[i]++ {
				errs[i] = c.call()
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum, errors.Join(errs...)
}

func lookStatus(ctx context.Context, b *bench, l *life) ([]samples, error) {
	var s samples
	for end := time.Now().Add(b.lookSpan()); len(s) < 10 && (len(s) == 0 || time.Now().Before(end)); {
		began := time.Now()
		out, err := exec.CommandContext(ctx, l.ctl(), "-c", l.conf(), "status").Output()
		if err != nil {
			return nil, fmt.Errorf("run %s status: %w", l.ctl(), err)
		}
		s = append(s, ms(time.Since(began)))
		if n := strings.Count(string(out), "RUNNING"); n != l.size {
			return nil, fmt.Errorf("%s status shows %d RUNNING, want %d", l.ctl(), n, l.size)
		}
	}
	return []samples{s}, nil
}

// stopPatience is how long a daemon may take to stop. Some stop groups one
// after another, so that a thousand take many minutes.
func (b *bench) stopPatience() time.Duration {
	if b.short {
		return 5 * time.Second
	}
	return 20 * time.Second
}

// lookStop ends the life.
func lookStop(_ context.Context, b *bench, l *life) ([]samples, error) {
	return stopped(l.running, b.stopPatience())
}

func takeStopGroup(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.start(ctx, d, size, sleepers(size)+oneGroup(size))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", size); err != nil {
		return nil, err
	}
	return stopped(r, b.stopPatience())
}

// stopped stops the daemon and returns, as a sample, how long that took.
func stopped(r *running, patience time.Duration) ([]samples, error) {
	took, err := r.stop(patience)
	if err != nil {
		return nil, err
	}
	return []samples{{ms(took)}}, nil
}

// finish ends the daemon, if it still runs, with all that it has started; an
// error of the measure itself comes first.
func finish(r *running, err *error) {
	if r.over {
		return
	}
	select {
	case died := <-r.ended:
		r.over = true
		if *err == nil {
			*err = fmt.Errorf("%s ended early: %w", r.name, died)
		}
	default:
	}
	r.kill()
}

// sleep waits unless the run is to end.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *running) socket() string { return filepath.Join(r.dir, "sock") }
