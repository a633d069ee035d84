package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// A refused connection is tried again within the timeout, so a server that
// comes up in time is well.
func TestRefusedConnectionIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	server := &http.Server{Handler: http.HandlerFunc(web), ReadHeaderTimeout: time.Second}
	time.AfterFunc(500*time.Millisecond, func() {
		if l, err := net.Listen("tcp", address); err == nil {
			_ = server.Serve(l) // Close ends it
		}
	})
	defer func() { _ = server.Close() }()
	stdout, _, status := checktest.Output(t, checktest.Command("--test", "-t", "20", "--retry-interval", "100ms", "http://"+address))
	if status != 0 {
		t.Errorf("httpok -t 20 = %d, %q; want 0: the server came up after 0.5 s", status, stdout)
	}
	_ = server.Close()
	start := time.Now()
	stdout, _, status = checktest.Output(t, checktest.Command("--test", "-t", "2", "--retry-interval", "100ms", "http://"+address))
	if took := time.Since(start); status != 1 || took < time.Second || took > 10*time.Second {
		t.Errorf("httpok -t 2 = %d after %v, %q; want 1 after about a second of trying", status, took, stdout)
	}
}

// While a check is under way, or a restart, events are answered at once, and no
// second check begins.
func TestEventsAreAnsweredDuringChecksAndRestarts(t *testing.T) {
	var asked atomic.Int32
	gate := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-gate
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	release := fake.Hold("stopProcess foo")
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "-t", "60", server.URL)
	start := time.Now()
	for range 50 {
		tool.Tick()
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("50 ticks took %v during a check, want no waiting", took)
	}
	checktest.Until(t, "the request", func() bool { return asked.Load() == 1 })
	close(gate)
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	for range 50 {
		tool.Tick()
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("requests = %d, want 1: no check begins while another is under way", n)
	}
	release()
	tool.WaitMails(1)
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
}

// A daemon that ends, or restarts this listener, does not leave a process
// stopped that was just being restarted.
func TestRestartUnderWayIsFinishedAtTheEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	release := fake.Hold("stopProcess foo")
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", server.URL+"/fail")
	tool.Tick()
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	tool.Signal(os.Interrupt)
	time.AfterFunc(500*time.Millisecond, release)
	if err := tool.Wait(); err != nil {
		t.Errorf("httpok ended with %v, want nil", err)
	}
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" || len(tool.Mails()) != 1 {
		t.Errorf("calls = %s, mails %q; want the start, and a mail", got, tool.Mails())
	}
}

// Nor does one that kills this listener in the middle: the next one starts the
// process, when it has stopped, and leaves others alone.
func TestProcessIsStartedThoughHttpokIsKilled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	foo, bar := checktest.Process("foo", "foo", 11), checktest.Process("bar", "bar", 12)
	fake := checktest.NewFake(t, foo, bar)
	release := fake.Hold("stopProcess foo")
	args := []string{"--spool", t.TempDir(), "-p", "foo", server.URL + "/fail"}
	tool := checktest.Listen(t, fake, args...)
	tool.Tick()
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	tool.Kill()
	release()
	stopping := checktest.In(foo, client.Stopping, "STOPPING")
	stopping.PID = foo.PID
	fake.Set(stopping, checktest.In(bar, client.Stopped, "STOPPED"))
	next := checktest.Listen(t, fake, args...)
	checktest.Until(t, "a look at the process", func() bool { return fake.Asked() >= 2 })
	fake.Set(checktest.In(foo, client.Stopped, "STOPPED"), checktest.In(bar, client.Stopped, "STOPPED"))
	checktest.Until(t, "the start", func() bool { return len(fake.Calls()) == 2 }, next.Stderr)
	fake.Set(foo, checktest.In(bar, client.Stopped, "STOPPED")) // next may end before it hears of that
	next.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want foo to be started", got)
	}
	last := checktest.Listen(t, fake, args...)
	last.ExpectReady()
	last.End()
	if n := len(fake.Calls()); n != 2 {
		t.Errorf("calls = %q, want no more: it is done", fake.Calls())
	}
}

// The mail is sent after the last restart; when httpok is killed before that, the
// next one sends what is known.
func TestMailIsSentThoughHttpokIsKilledDuringARestart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	url := server.URL + "/fail"
	processes := []client.ProcessInfo{checktest.Process("web", "a", 11), checktest.Process("web", "b", 12)}
	mail := "To: a@b\nSubject: httpok: " + url + ": bad status returned\n\nstatus contacting " + url + ": 500 Internal Server Error\n" +
		"Restarting selected processes ['web:*']\nweb:a is in RUNNING state, restarting\nweb:a restarted\n" +
		"httpok was ended before it knew what became of web:b"
	checktest.KilledDuringRestart(t, "stopProcess web:b", processes, []string{regexp.QuoteMeta(mail)}, "-p", "web:*", "-m", "a@b", url)
}

// statuses answers with the statuses that it is told, the last one for ever, and
// counts.
type statuses struct {
	list []int
	n    atomic.Int32
}

func (s *statuses) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i := int(s.n.Add(1)) - 1
	w.WriteHeader(s.list[min(i, len(s.list)-1)])
}

// rounds ticks until a server was asked n times.
func rounds(t *testing.T, tool *checktest.Listener, s *statuses, n int) {
	t.Helper()
	checktest.Until(t, strconv.Itoa(n)+" checks", func() bool {
		if int(s.n.Load()) < n {
			tool.Tick()
		}
		return int(s.n.Load()) >= n
	}, tool.Stderr)
}

func TestFailuresInARow(t *testing.T) {
	s := &statuses{list: []int{500, 500, 200, 500, 500, 500, 200}}
	server := httptest.NewServer(s)
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "--failures", "3", "--recovery", server.URL)
	rounds(t, tool, s, 5)
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("calls after two failures in a row = %q, want none", calls)
	}
	rounds(t, tool, s, 7)
	mails := tool.WaitMails(2)
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
	want := "To: a@b\nSubject: httpok: " + server.URL + ": recovered\n\nstatus contacting " + server.URL + ": 200 OK\n" +
		server.URL + " has recovered; it had failed since "
	if !strings.HasPrefix(mails[1], want) {
		t.Errorf("second mail = %q, want %q", mails[1], want)
	}
	rounds(t, tool, s, 9)
	if mails := tool.End(); len(mails) != 2 {
		t.Errorf("mails = %d, want 2: recovery is told once", len(mails))
	}
}

func TestYoungProcessesAreLeftAlone(t *testing.T) {
	s := &statuses{list: []int{500}}
	server := httptest.NewServer(s)
	defer server.Close()
	old, young := checktest.Process("web", "old", 11), checktest.Process("web", "young", 12)
	young.Start = young.Now - 59
	fake := checktest.NewFake(t, young)
	tool := checktest.Listen(t, fake, "-p", "web:*", "-m", "a@b", "--grace", "1m", server.URL)
	rounds(t, tool, s, 3)
	tool.WaitStderr("does not count", 2)
	if len(tool.Mails()) != 0 || len(fake.Calls()) != 0 {
		t.Errorf("mails = %q, calls = %q; want none while the only process is young", tool.Mails(), fake.Calls())
	}
	fake.Set(young, old)
	rounds(t, tool, s, 5)
	mail := tool.WaitMails(1)[0]
	if want := "\nweb:young was started 59 seconds ago, NOT restarting\nweb:old is in RUNNING state, restarting\nweb:old restarted"; !strings.HasSuffix(mail, want) {
		t.Errorf("mail = %q, want it to end with %q", mail, want)
	}
	tool.End()
}

func TestRestartLimit(t *testing.T) {
	s := &statuses{list: []int{500, 500, 500, 500, 500, 200, 500}}
	server := httptest.NewServer(s)
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "--restart-limit", "2/1h", server.URL)
	rounds(t, tool, s, 5)
	mails := tool.WaitMails(3)
	if want := "\nfoo was restarted 2 times within 1h, NOT restarting"; !strings.HasSuffix(mails[2], want) {
		t.Errorf("third mail = %q, want it to end with %q", mails[2], want)
	}
	rounds(t, tool, s, 7) // a new outage is told, but not acted on
	tool.WaitMails(4)
	rounds(t, tool, s, 9)
	if mails := tool.End(); len(mails) != 4 || len(fake.Calls()) != 4 {
		t.Errorf("mails = %d, calls = %q; want 4: a reached limit is told once an outage, and two restarts", len(mails), fake.Calls())
	}
}

func TestFatalProcessesAreRestartedByChoice(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.In(checktest.Process("foo", "foo", 0), client.Fatal, "FATAL"))
	tool := checktest.Listen(t, fake, "-p", "foo", "-E", "-m", "a@b", "--restart-fatal", server.URL+"/fail")
	tool.Tick()
	mail := tool.WaitMails(1)[0]
	if want := "\nfoo is in FATAL state, restarting\nfoo restarted"; !strings.HasSuffix(mail, want) {
		t.Errorf("mail = %q, want it to end with %q", mail, want)
	}
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[startProcess foo]" {
		t.Errorf("calls = %s, want a start only", got)
	}
}

func TestExternalRestartAndDryRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--external-restart", "echo done"}, "\nweb:foo is in RUNNING state, restarting\n" +
			"restart output for web:foo:\n\n done web:foo 11\n\nweb:foo restarted"},
		{[]string{"--external-restart", "exit 3; true"}, "\nweb:foo is in RUNNING state, restarting\n" +
			"Failed to restart process web:foo: run \"exit 3; true\": exit status 3"},
		{[]string{"--dry-run", "-d", "/cores", "-g", "echo"}, "\nweb:foo is in RUNNING state, would be restarted"},
	} {
		fake := checktest.NewFake(t, checktest.Process("web", "foo", 11))
		tool := checktest.Listen(t, fake, append(slices.Clone(tt.args), "-p", "web:foo", "-m", "a@b", server.URL+"/fail")...)
		tool.Tick()
		if mail := tool.WaitMails(1)[0]; !strings.HasSuffix(mail, tt.want) {
			t.Errorf("httpok %q: mail = %q, want it to end with %q", tt.args, mail, tt.want)
		}
		tool.End()
		if calls := fake.Calls(); len(calls) != 0 {
			t.Errorf("httpok %q: calls = %q, want none", tt.args, calls)
		}
	}
}

func TestSeveralURLsActOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", server.URL, server.URL+"/fail", "tcp://127.0.0.1:1")
	tool.Tick()
	mail := tool.WaitMails(1)[0]
	want := "To: a@b\nSubject: httpok: " + server.URL + "/fail: bad status returned (and 1 more)\n\n" +
		"status contacting " + server.URL + "/fail: 500 Internal Server Error\n" +
		"error contacting tcp://127.0.0.1:1:\n\n dial tcp 127.0.0.1:1: connect: connection refused\n" +
		"Restarting selected processes ['foo']\nfoo is in RUNNING state, restarting\nfoo restarted"
	if mail != want {
		t.Errorf("mail = %q, want %q", mail, want)
	}
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
}

// How often a URL has failed, what was done about it, and how often a process was
// restarted: all of it is known after a kill -9.
func TestWhatHttpokKnowsSurvivesAKill(t *testing.T) {
	s := &statuses{list: []int{500, 500, 500, 500, 500, 200}}
	server := httptest.NewServer(s)
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	spool := t.TempDir()
	listen := func() *checktest.Listener {
		return checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "--spool", spool, "--failures", "2", "--restart-limit", "1/1h", "--recovery", server.URL)
	}
	saved := filepath.Join(spool, "thislistener", "checks.json")
	var mails []string
	for round, want := range []struct {
		calls int
		noted string // in the file; then it is all there
		mail  string // how it ends; empty for none
	}{
		{0, `"failures":1`, ""},
		{2, `"acted":true`, "foo is in RUNNING state, restarting\nfoo restarted"},
		{2, `"failures":1`, ""},
		{2, `"limit_told":true`, "foo was restarted once within 1h, NOT restarting"},
		{2, `"failures":1`, ""},
		{2, `"urls":{}`, "has recovered; it had failed since TIME"},
	} {
		tool := listen()
		rounds(t, tool, s, round+1)
		checktest.Until(t, "the result to be noted", func() bool {
			now, err := os.ReadFile(saved)
			return err == nil && strings.Contains(string(now), want.noted)
		}, tool.Stderr)
		if want.mail == "" {
			tool.Kill()
		} else {
			mails = append(mails, tool.KillAfterMail(1)...)
			if got := since.ReplaceAllString(mails[len(mails)-1], "TIME"); !strings.HasSuffix(got, want.mail) {
				t.Errorf("round %d: mail = %q, want it to end with %q", round, got, want.mail)
			}
		}
		if n := len(fake.Calls()); n != want.calls {
			t.Errorf("round %d: calls = %q, want %d", round, fake.Calls(), want.calls)
		}
	}
	if len(mails) != 3 {
		t.Errorf("mails = %q, want three", mails)
	}
}

var since = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+$`)
