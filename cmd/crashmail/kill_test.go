package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// crashes is a daemon with a crash to report at any time. An event that is
// not answered is sent again, with its serial number, to the next crashmail.
type crashes struct {
	t            *testing.T
	args         []string
	next         int // the serial number, and the process ID, of the next event
	acknowledged int
}

// report runs crashmail until it is killed, after the time that it may run
// once it is ready; 0 stands for one that is never killed. It reports at most
// max crashes and returns when crashmail has ended.
func (c *crashes) report(run time.Duration, limit int) {
	c.t.Helper()
	cmd := listening(c.args...)
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
	for i := 0; expect(out, listener.Ready); i++ {
		if i == 0 && run > 0 {
			kill := time.AfterFunc(run, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		if i == limit {
			_ = stdin.Close() // as a daemon does that ends: crashmail sends what it can
			break
		}
		payload := crash("web", "web_"+strconv.Itoa(c.next), c.next).AppendPayload(nil)
		header := listener.Header{Server: "supervisor", Serial: uint64(c.next), Pool: "crashmail", EventName: listener.ProcessStateExited}
		if _, err := stdin.Write(listener.AppendEvent(nil, header, payload)); err != nil {
			break
		}
		if !expect(out, string(listener.AppendResult(nil, []byte(listener.ResultOK)))) {
			break
		}
		c.acknowledged++
		c.next++
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
	daemon := &crashes{t: t, args: []string{
		"-a", "-m", "ops@example.com", "--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port), "--spool", dir,
	}}
	dir = filepath.Join(dir, "crashmail")
	for round := range rounds {
		if round%2 == 0 {
			server.Up()
		} else {
			server.Down()
		}
		daemon.report(time.Duration(1+rand.IntN(100))*time.Millisecond, 1000)
	}
	server.Up()
	daemon.report(0, 1) // one more crash, and the time to send what waits
	for i := 0; i < 10 && waiting(t, dir) > 0; i++ {
		daemon.report(0, 0)
	}

	mails := map[string]int{}
	for _, m := range server.Mails() {
		body := strings.ReplaceAll(m.Data, "=\r\n", "")
		if match := crashed.FindStringSubmatch(body); match != nil {
			mails[match[1]]++
		}
	}
	lost, twice := 0, 0
	for pid := range daemon.acknowledged {
		switch n := mails[strconv.Itoa(pid)]; {
		case n == 0:
			lost++
		case n > 1:
			twice += n - 1
		}
	}
	t.Logf("%d kills, server down in half of them: %d crashes, %d mailed, %d lost, %d mailed twice",
		rounds, daemon.acknowledged, len(mails), lost, twice)
	if lost != 0 || twice > rounds || daemon.acknowledged < rounds/2 || waiting(t, dir) != 0 {
		t.Errorf("crashes = %d, lost = %d, twice = %d, waiting = %d; want at least %d, 0, at most %d, 0",
			daemon.acknowledged, lost, twice, waiting(t, dir), rounds/2, rounds)
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
