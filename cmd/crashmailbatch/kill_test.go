package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// event is the event with a serial number, which is also the process ID: a tick
// after each fifth crash.
func event(serial int) listener.Body {
	if serial%6 == 5 {
		return listener.Tick{EventType: listener.Tick60, When: 60}
	}
	return batchmailtest.State(listener.ProcessStateExited, "web", "web", serial)
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
	args := batchmailtest.Args(server, t.TempDir(), "--interval=1")
	daemon := &checktest.Feed{T: t, Event: event, Command: func() *exec.Cmd { return batchmailtest.Command(args...) }}
	for round := range rounds {
		if round%3 == 2 {
			server.Down()
		} else {
			server.Up()
		}
		daemon.Run(time.Duration(1+rand.IntN(60))*time.Millisecond, func(int) bool { return false })
	}
	server.Up()
	for range 2 { // until a batch has ended, twice
		daemon.Run(0, func(had int) bool { return had > 0 && (daemon.Next-1)%6 == 5 })
	}

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
	for serial := range daemon.Next {
		if _, tick := event(serial).(listener.Tick); tick {
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
