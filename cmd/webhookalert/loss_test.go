package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

func TestMain(m *testing.M) { alerttest.Main(m, main) }

// weather is how a service behaves.
type weather string

// The weathers.
const (
	up       weather = "up"
	refusing weather = "refusing"
	hanging  weather = "hanging"
	failing  weather = "5xx"
	rejects  weather = "4xx"
)

// service takes messages, in every weather.
type service struct {
	t       *testing.T
	address string
	server  *http.Server // nil while refusing

	mu      sync.Mutex
	weather weather
	// messages holds the pids of the crashes in each message that was accepted.
	messages [][]int
}

func startService(t *testing.T) *service {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, address: l.Addr().String(), weather: up}
	s.serve(l)
	t.Cleanup(func() { s.become(refusing) })
	return s
}

func (s *service) serve(l net.Listener) {
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.server = server
	go func() { _ = server.Serve(l) }() // become ends it
}

// become changes the weather. What hangs is cut off.
func (s *service) become(w weather) {
	s.mu.Lock()
	s.weather = w
	s.mu.Unlock()
	switch {
	case w == refusing && s.server != nil:
		_ = s.server.Close()
		s.server = nil
	case w != refusing && s.server == nil:
		l, err := net.Listen("tcp", s.address)
		if err != nil {
			s.t.Fatal(err)
		}
		s.serve(l)
	}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		PID    int                 `json:"pid"`
		Events []notify.Occurrence `json:"events"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return // the client was killed
	}
	pids := []int{m.PID}
	if len(m.Events) > 0 {
		pids = nil
		for _, e := range m.Events {
			pids = append(pids, e.PID)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.weather {
	case up:
		s.messages = append(s.messages, pids)
	case hanging:
		s.mu.Unlock()
		<-r.Context().Done() // the client gave up, or was killed
		s.mu.Lock()
	case failing:
		w.WriteHeader(http.StatusServiceUnavailable)
	case rejects:
		w.WriteHeader(http.StatusNotFound)
	case refusing:
	}
}

// daemon has crashes to report. An event that is not answered OK is sent
// again, with its serial number, also to the next webhookalert.
type daemon struct {
	t            *testing.T
	args         []string
	next         int // the serial number, and the process ID, of the next event
	acknowledged int
	failed       int
}

// report runs webhookalert until it is killed, after the time that it may run
// once it is ready; 0 stands for one that is never killed. It reports at most
// limit crashes, and returns when webhookalert has ended.
func (d *daemon) report(run time.Duration, limit int) {
	cmd := exec.Command(os.Args[0], d.args...)
	cmd.Env = append(os.Environ(), alerttest.Variable+"=1", "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL=", "SUPERVISOR_GROUP_NAME=loss",
		"GORACE=atexit_sleep_ms=0")
	if os.Getenv("VIGILANCE_SHOW") != "" {
		cmd.Stderr = os.Stderr
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	out := bufio.NewReader(stdout)
	for i := 0; expect(out, listener.Ready); i++ {
		if i == 0 && run > 0 {
			kill := time.AfterFunc(run, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		if i >= limit {
			if run == 0 {
				_ = stdin.Close() // as a daemon does that ends
			}
			break // and else wait for the kill
		}
		if !d.send(stdin, out) {
			break
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
}

// send reports a crash; false means that there is nobody any more.
func (d *daemon) send(stdin io.Writer, out *bufio.Reader) bool {
	name := "web_" + strconv.Itoa(d.next%7)
	payload := listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: name, GroupName: "web", FromState: "RUNNING", PID: d.next,
	}.AppendPayload(nil)
	header := listener.Header{Server: "supervisor", Serial: uint64(d.next), Pool: "loss", EventName: listener.ProcessStateExited}
	if _, err := stdin.Write(listener.AppendEvent(nil, header, payload)); err != nil {
		return false
	}
	line, err := out.ReadString('\n')
	if err != nil {
		return false
	}
	n, err := listener.ParseResultLine([]byte(line[:len(line)-1]))
	body := make([]byte, n)
	if _, readErr := io.ReadFull(out, body); err != nil || readErr != nil {
		return false
	}
	if string(body) != listener.ResultOK {
		d.failed++
		return true // and again
	}
	d.acknowledged++
	d.next++
	return true
}

// expect reads a text; false means that something else came, or the end.
func expect(r io.Reader, text string) bool {
	got := make([]byte, len(text))
	_, err := io.ReadFull(r, got)
	return err == nil && string(got) == text
}

// webhookalert is killed with -9 at random moments, while the service changes
// between all weathers and the disk is full for a while. Each crash that was
// answered OK is in exactly one message or was set aside with the reason; only
// a kill between the service's answer and the note of it makes a message come
// again. VIGILANCE_LONG=1 makes it 2,000 crashes and 100 kills, 10 ten times as
// many.
func TestEveryCrashIsInOneMessageThoughKilled(t *testing.T) {
	kills, crashes := 20, 300
	if long := os.Getenv("VIGILANCE_LONG"); long != "" {
		times, err := strconv.Atoi(long)
		if err != nil || times < 1 {
			t.Fatalf("VIGILANCE_LONG (TIMES of make test-alerts-loss) = %q, want a number of at least 1", long)
		}
		kills, crashes = 100*times, 2000*times
	}
	disk, full := smallDisk(t)
	s := startService(t)
	dir := filepath.Join(disk, "spool")
	d := &daemon{t: t, next: 1, args: []string{
		"-a", "--url", "http://" + s.address + "/", "--request", `{"pid":{{json .PID}},"events":{{json .Events}}}`,
		"--flood", "100ms", "--max-per-minute", "0", "--spool", dir, "--silence-file", filepath.Join(disk, "silence"),
	}}
	weathers := []weather{up, refusing, up, hanging, up, failing, up, rejects}
	fullRounds := 0
	d.report(0, 1)
	for round := range kills {
		s.become(weathers[round%len(weathers)])
		filled := full && round%5 == 2
		if filled {
			fill(t, filepath.Join(disk, "filler"))
			fullRounds++
		}
		d.report(time.Duration(1+rand.IntN(250))*time.Millisecond, (crashes-d.acknowledged)/(kills-round))
		if filled {
			if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.become(up)
	for d.acknowledged < crashes {
		d.report(0, crashes-d.acknowledged)
	}
	settle(t, d, dir)

	copies := make(map[int]int)
	repeated := 0
	for _, pids := range s.messages {
		again := false
		for _, pid := range pids {
			copies[pid]++
			again = again || copies[pid] > 1
		}
		if again {
			repeated++
		}
	}
	delivered := len(copies)
	dead := 0
	for _, item := range items(t, dir) {
		if item.Dead && item.Reason == "" {
			t.Errorf("dead message %s has no reason", item.Name)
		}
		if item.Dead {
			dead++
			copies[item.Entry.Message.PID]++
		}
	}
	lost, twice, most := 0, 0, 0
	for pid := 1; pid < d.next; pid++ {
		if copies[pid] == 0 {
			lost++
		}
		if copies[pid] > 1 {
			twice++
		}
		most = max(most, copies[pid])
	}
	t.Logf("%d kills, %d of them on a full disk: %d crashes acknowledged (%d given back first), %d in %d messages, %d dead with a reason, %d lost, %d twice (in %d repeated messages), none more than %d times",
		kills, fullRounds, d.acknowledged, d.failed, delivered, len(s.messages), dead, lost, twice, repeated, most)
	if lost != 0 || repeated > kills || d.acknowledged != crashes || delivered == 0 || dead == 0 {
		t.Errorf("lost = %d, repeated messages = %d, acknowledged = %d, delivered = %d, dead = %d; want 0, at most %d, %d, some, some",
			lost, repeated, d.acknowledged, delivered, dead, kills, crashes)
	}
}

// settle runs webhookalert until nothing waits.
func settle(t *testing.T, d *daemon, dir string) {
	t.Helper()
	for range 20 {
		waiting := 0
		for _, item := range items(t, dir) {
			if !item.Dead {
				waiting++
			}
		}
		if waiting == 0 {
			return
		}
		d.report(0, 0)
	}
	t.Errorf("messages wait still")
}

// items returns what is in all spools.
func items(t *testing.T, dir string) []spool.Item {
	t.Helper()
	folders, err := spool.Find(dir)
	if err != nil || len(folders) == 0 {
		t.Fatalf("Find(%q) = %q, %v; want a spool", dir, folders, err)
	}
	var all []spool.Item
	for _, folder := range folders {
		items, err := spool.Attach(folder).Items()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, items...)
	}
	return all
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(fmt.Errorf("fill the disk: %w", err))
	}
}
