package main

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// crashes is a daemon with crashes to report, and a tick after each fifth. An
// event that is not answered is sent again, with its serial number, to the next
// crashmailbatch.
type crashes struct {
	t      *testing.T
	args   []string
	serial int // of the next event
}

// body is the event with a serial number, which is also the process ID.
func body(serial int) listener.Body {
	if serial%6 == 5 {
		return listener.Tick{EventType: listener.Tick60, When: 60}
	}
	return batchmailtest.State(listener.ProcessStateExited, "web", "web", serial)
}

// report runs crashmailbatch until it is killed, after the time that it may run
// once it is ready; 0 stands for one that is never killed and gets one batch.
func (c *crashes) report(run time.Duration) {
	c.t.Helper()
	cmd := batchmailtest.Command(c.args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	out := bufio.NewReader(stdout)
	last := false
	for i := 0; expect(out, listener.Ready); i++ {
		if i == 0 && run > 0 {
			kill := time.AfterFunc(run, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		if last {
			_ = stdin.Close() // as a daemon does that ends: what can be sent is
			break
		}
		event := body(c.serial)
		header := listener.Header{Server: "supervisor", Serial: uint64(c.serial), Pool: "batch", EventName: event.Type()}
		if _, err := stdin.Write(listener.AppendEvent(nil, header, event.AppendPayload(nil))); err != nil {
			break
		}
		if !expect(out, string(listener.AppendResult(nil, []byte(listener.ResultOK)))) {
			break
		}
		c.serial++
		_, tick := event.(listener.Tick)
		last = run == 0 && tick
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
}

// expect reads a text; false means that something else came, or the end.
func expect(r io.Reader, text string) bool {
	got := make([]byte, len(text))
	_, err := io.ReadFull(r, got)
	return err == nil && string(got) == text
}

var died = regexp.MustCompile(`Process web:web \(pid (\d+)\) died unexpectedly`)

// crashmailbatch is killed with -9 at random moments, while the server is down
// a third of the time. Every crash that it has answered OK for is in a mail; at
// most one mail a kill comes twice. VIGILANCE_LONG=1 makes it 200 kills.
func TestEveryCrashIsInABatchThoughItIsKilled(t *testing.T) {
	rounds := 20
	if os.Getenv("VIGILANCE_LONG") == "1" {
		rounds = 200
	}
	server := mailtest.Start(t, mailtest.Options{})
	daemon := &crashes{t: t, args: batchmailtest.Args(server, t.TempDir(), "--interval=1")}
	for round := range rounds {
		if round%3 == 2 {
			server.Down()
		} else {
			server.Up()
		}
		daemon.report(time.Duration(1+rand.IntN(60)) * time.Millisecond)
	}
	server.Up()
	daemon.report(0)
	daemon.report(0)

	in := map[string]int{}     // mails, by the crash
	copies := map[string]int{} // by text
	for _, m := range server.Mails() {
		text := batchmailtest.Read(t, m).Body
		if copies[text]++; copies[text] > 1 {
			continue // the same mail twice
		}
		for _, match := range died.FindAllStringSubmatch(text, -1) {
			in[match[1]]++
		}
	}
	lost, split, twice, reported := 0, 0, len(server.Mails())-len(copies), 0
	for serial := range daemon.serial {
		if _, tick := body(serial).(listener.Tick); tick {
			continue
		}
		reported++
		switch n := in[strconv.Itoa(serial)]; {
		case n == 0:
			lost++
		case n > 1:
			split++
		}
	}
	t.Logf("%d kills, server down in a third of them: %d crashes in %d mails, %d lost, %d in two mails, %d mails twice",
		rounds, reported, len(copies), lost, split, twice)
	if lost != 0 || split != 0 || twice > rounds || reported < rounds/2 {
		t.Errorf("crashes = %d, lost = %d, in two mails = %d, mails twice = %d; want at least %d, 0, 0, at most %d",
			reported, lost, split, twice, rounds/2, rounds)
	}
}
