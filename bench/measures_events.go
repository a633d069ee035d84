package main

import (
	"context"
	"strconv"
	"time"
)

// takeStorm sends events as fast as one client can, to a listener that has
// nothing to do but note them.
func takeStorm(ctx context.Context, b *bench, d daemon, _ int) (_ []samples, err error) {
	most, span := 50000, 5*time.Second
	if b.short {
		most, span = 5000, 2*time.Second
	}
	listener, err := ears(0, "REMOTE_COMMUNICATION")
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, d, 1, listener)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitListener(); err != nil {
		return nil, err
	}
	const method = "supervisor.sendRemoteCommEvent"
	if _, err := r.rpc.call(method, "first", "a fault would show here"); err != nil {
		return nil, err
	}
	c, err := newRawClient(r.socket(), method, "storm", "some data")
	if err != nil {
		return nil, err
	}
	defer c.close()
	sent := 1
	for end := time.Now().Add(span); sent < most && time.Now().Before(end); sent++ {
		if err := c.call(); err != nil {
			return nil, err
		}
	}
	all := r.waitHeard(sent, 2*time.Second)
	return []samples{{perSecond(len(all)-1, all)}, {100 * float64(sent-len(all)) / float64(sent)}}, nil
}

// perSecond spreads n over the time from the first event to the last.
func perSecond(n int, all []heard) float64 {
	if len(all) < 2 {
		return 0
	}
	return float64(n) / all[len(all)-1].at.Sub(all[0].at).Seconds()
}

// takeProcessLog lets a program write lines, one at a time and as fast as it
// can, each byte of which is to reach a listener as an event.
func takeProcessLog(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	listener, err := ears(0, "PROCESS_LOG")
	if err != nil {
		return nil, err
	}
	writer, err := playing("writer", strconv.Itoa(size), "lines")
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, d, 2, listener+"[program:writer]\n"+writer+"startsecs=0\nautostart=false\nautorestart=false\n"+
		"stdout_logfile=NONE\nstderr_logfile=NONE\nstdout_events_enabled=true\n")
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitListener(); err != nil {
		return nil, err
	}
	if _, err := r.rpc.call("supervisor.startProcess", "writer"); err != nil {
		return nil, err
	}
	if err := r.waitLog("exited: writer", 1); err != nil {
		return nil, err
	}
	var all []heard
	want, got := size<<20, 0
	for end := time.Now().Add(2 * time.Second); got < want && time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		news := r.heard()
		if len(news) > len(all) {
			end = time.Now().Add(2 * time.Second)
		}
		all, got = news, 0
		for _, h := range all {
			got += h.bytes
		}
	}
	return []samples{
		{perSecond(got, all) / 1e6}, {perSecond(len(all), all)}, {100 * float64(want-got) / float64(want)},
	}, nil
}
