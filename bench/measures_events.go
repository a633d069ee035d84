package main

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// inOneCall is how many events a call of system.multicall sends.
const inOneCall = 100

// takeStorm sends events as fast as one client can, one and then many in a
// call, to a listener that has nothing to do but note them.
func takeStorm(ctx context.Context, b *bench, d daemon, _ int) ([]samples, error) {
	const method = "supervisor.sendRemoteCommEvent"
	single, err := b.storm(ctx, d, 1, methodCall(method, []string{"storm", "some data"}))
	if err != nil {
		return nil, err
	}
	const one = "<value><struct><member><name>methodName</name><value><string>" + method + "</string></value></member>" +
		"<member><name>params</name><value><array><data><value><string>storm</string></value>" +
		"<value><string>some data</string></value></data></array></value></member></struct></value>"
	many, err := b.storm(ctx, d, inOneCall, "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params><param>"+
		"<value><array><data>"+strings.Repeat(one, inOneCall)+"</data></array></value></param></params></methodCall>")
	return append(single, many...), err
}

// storm makes a call over and over that sends so many events, and returns what
// becomes of them: events a second, percent lost, and CPU of the daemon in µs
// an event.
func (b *bench) storm(ctx context.Context, d daemon, events int, call string) (_ []samples, err error) {
	most, span := 50000, 4*time.Second
	if b.short {
		most, span = 5000, time.Second
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
	c, err := dialRaw(r.socket(), call)
	if err != nil {
		return nil, err
	}
	defer c.close()
	before, err := cpu(r.pid())
	if err != nil {
		return nil, err
	}
	sent := 0
	for end := time.Now().Add(span); sent < most && time.Now().Before(end); sent += events {
		if err := c.call(); err != nil {
			return nil, err
		}
	}
	all := r.waitHeard(sent, 2*time.Second)
	after, err := cpu(r.pid())
	return []samples{
		{perSecond(len(all)-1, all)}, {100 * float64(sent-len(all)) / float64(sent)}, {1000 * ms(after-before) / float64(max(1, len(all)))},
	}, err
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
	before, err := cpu(r.pid())
	if err != nil {
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
		for _, h := range news[len(all):] {
			got += h.bytes
		}
		all = news
	}
	after, err := cpu(r.pid())
	return []samples{
		{perSecond(got, all) / 1e6}, {perSecond(len(all), all)}, {100 * float64(want-got) / float64(want)},
		{(after - before).Seconds() / (float64(got) / 1e9)},
	}, err
}
