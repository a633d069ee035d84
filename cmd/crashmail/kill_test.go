package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

var crashed = regexp.MustCompile(`Process web_(\d+) in group web exited`)

// crashmail is killed with -9 at random moments, while the server is down half
// of the time. Every crash that it has answered OK for is mailed; at most one
// mail a kill comes twice. VIGILANCE_LONG=1 makes it 200 kills.
func TestEveryCrashIsMailedThoughCrashmailIsKilled(t *testing.T) {
	rounds := 20
	if os.Getenv("VIGILANCE_LONG") == "1" {
		rounds = 200
	}
	server := mailtest.Start(t, mailtest.Options{})
	dir := t.TempDir()
	command := func() *exec.Cmd {
		return listening("-a", "-m", "ops@example.com", "--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port), "--spool", dir)
	}
	// The serial number is also the process ID.
	event := func(serial int) listener.Body { return crash("web", "web_"+strconv.Itoa(serial), serial) }
	daemon := &checktest.Feed{T: t, Command: command, Event: event}
	after := func(n int) func(int) bool { return func(had int) bool { return had >= n } }
	group := filepath.Join(dir, "crashmail")
	for round := range rounds {
		if round%2 == 0 {
			server.Up()
		} else {
			server.Down()
		}
		daemon.Run(time.Duration(1+rand.IntN(100))*time.Millisecond, after(1000))
	}
	server.Up()
	daemon.Run(0, after(1)) // one more crash, and the time to send what waits
	for i := 0; i < 10 && waiting(t, group) > 0; i++ {
		daemon.Run(0, after(0))
	}

	mails := map[string]int{}
	for _, m := range server.Mails() {
		body := strings.ReplaceAll(m.Data, "=\r\n", "")
		if match := crashed.FindStringSubmatch(body); match != nil {
			mails[match[1]]++
		}
	}
	lost, twice := 0, 0
	for pid := range daemon.Next {
		switch n := mails[strconv.Itoa(pid)]; {
		case n == 0:
			lost++
		case n > 1:
			twice += n - 1
		}
	}
	t.Logf("%d kills, server down in half of them: %d crashes, %d mailed, %d lost, %d mailed twice",
		rounds, daemon.Next, len(mails), lost, twice)
	if lost != 0 || twice > rounds || daemon.Next < rounds/2 || waiting(t, group) != 0 {
		t.Errorf("crashes = %d, lost = %d, twice = %d, waiting = %d; want at least %d, 0, at most %d, 0",
			daemon.Next, lost, twice, waiting(t, group), rounds/2, rounds)
	}
}

// waiting returns how many messages are in a spool, and fails the test where
// one was set aside.
func waiting(t *testing.T, dir string) int {
	t.Helper()
	dead, err := os.ReadDir(filepath.Join(dir, "dead"))
	if err != nil || len(dead) > 0 {
		t.Fatalf("set aside: %v, %v; want none", dead, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
