package chaos

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// What clients may cost the daemon (KiB), and how long a program that has ended
// may wait for its restart meanwhile, which is a millisecond or two: the figure
// is printed, and the limit is for machines that have much else to do.
const (
	clientMemory = 64 << 10
	restartLimit = 30 * time.Second
)

// TestClientsThatHarm holds that the daemon's memory is bounded and programs are
// supervised on time while clients of every bad manner are connected. It runs
// alone, because it measures time.
func TestClientsThatHarm(t *testing.T) {
	connections := scale(300, 1000)
	r := account(t, "clients that do harm", fmt.Sprintf("%d connections, 20 programs", connections))
	d := start(t, spec{options: "minfds=8192", config: "[program:dies]\ncommand=sleep 1.1\nautorestart=true\nstartsecs=0\nnumprocs=20\nprocess_name=d%(process_num)d\n" +
		"[program:writes]\ncommand=yes 'something that is written again and again'\nstdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1\n" +
		"[program:restarted]\ncommand=sleep 1000\nstartsecs=0\n"})
	d.untilLog("spawned: 'restarted'", 1)
	before := d.busiest()
	calm := d.restarts(t, 20)

	stop := make(chan struct{})
	var clients sync.WaitGroup
	var tried atomic.Int64
	for i := range connections {
		clients.Go(func() {
			for round := 0; ; round++ {
				d.harm(i+round*7, stop, &tried)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	peak := 0
	var asked []time.Duration
	logged := len(d.read("supervisord.log"))
	for end := time.Now().Add(span(6*time.Second, 10)); time.Now().Before(end); {
		asked = append(asked, d.restarts(t, 1)...)
		peak = max(peak, d.rss())
	}
	times := gaps(d.read("supervisord.log")[logged:])
	close(stop)
	clients.Wait()
	slices.Sort(asked)
	p99 := times[len(times)*99/100]
	if grown := peak - before.rss; grown > clientMemory*raceFactor {
		r.leaked++
		t.Errorf("the daemon's memory grew by %d KiB, want %d at most", grown, clientMemory*raceFactor)
	}
	if p99 > restartLimit {
		r.lost++
		t.Errorf("programs waited %v for their restart (p99), want %v at most", p99, restartLimit)
	}
	r.inputs = int(tried.Load())
	r.note = fmt.Sprintf("from exit to restart p50 %.0f ms, p99 %.0f ms of %d; stop and start by one more client p50 %.0f ms (without the others %.0f ms); peak RSS +%.1f MB,",
		ms(times[len(times)/2]), ms(p99), len(times), ms(asked[len(asked)/2]), ms(calm[len(calm)/2]), float64(peak-before.rss)/1024)
	r.closeBooks(d, before)
	d.end()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// gaps returns the sorted times between the exits of programs and their restarts,
// as the daemon's log has them, to the millisecond.
func gaps(log string) []time.Duration {
	exits := make(map[string]time.Time)
	var times []time.Duration
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04:05,000", fields[0]+" "+fields[1])
		name := strings.Trim(fields[4], "'")
		switch exit := exits[name]; {
		case err != nil:
		case fields[3] == "exited:":
			exits[name] = at
		case fields[3] == "spawned:" && !exit.IsZero():
			times = append(times, at.Sub(exit))
			delete(exits, name)
		}
	}
	slices.Sort(times)
	return times
}

// restarts restarts a program n times and returns the sorted times.
func (d *daemon) restarts(t *testing.T, n int) []time.Duration {
	t.Helper()
	var times []time.Duration
	for range n {
		began := time.Now()
		insist(t, func() error { return d.rpc.StopProcess(t.Context(), "restarted") })
		insist(t, func() error { return d.rpc.StartProcess(t.Context(), "restarted") })
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times
}

// insist calls again when the connection was refused or closed: where all are
// taken, the idle ones make room for others.
func insist(t *testing.T, call func() error) {
	t.Helper()
	const notRunning, alreadyStarted = 70, 60 // the call before was carried out
	var err error
	for again := range 20 {
		err = call()
		code := client.FaultCode(err)
		if err == nil || again > 0 && (code == notRunning || code == alreadyStarted) {
			return
		}
		if code != 0 {
			break
		}
		<-time.After(time.Millisecond)
	}
	t.Fatalf("restart: %v", err)
}

// harm is one connection of one of the bad manners.
func (d *daemon) harm(manner int, stop <-chan struct{}, tried *atomic.Int64) {
	c, err := net.Dial("unix", d.path("sock"))
	if err != nil {
		<-time.After(20 * time.Millisecond) // the backlog is full
		return
	}
	tried.Add(1)
	over, closed := make(chan struct{}), make(chan struct{})
	defer close(over)
	go func() { // ends with the connection
		defer close(closed)
		select {
		case <-stop:
		case <-time.After(3 * time.Second):
		case <-over:
		}
		_ = c.Close() // nothing is owed to it
	}()
	send := func(text string) bool { _, err := io.WriteString(c, text); return err == nil }
	switch manner % 10 {
	case 0: // half open: says nothing
		_, _ = io.Copy(io.Discard, c)
	case 1: // slowloris
		for _, b := range "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<?xml" {
			if !send(string(b)) {
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	case 2: // a large request
		block := strings.Repeat("x", 64<<10)
		send("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n")
		for range 1600 {
			if !send(block) {
				return
			}
		}
	case 3: // one that ends in the middle
		send("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<?xml version='1.0'?><methodCall><methodName>supervisor.get")
	case 4: // a reader of nothing
		send("GET /logtail/writes HTTP/1.1\r\nHost: x\r\n\r\n")
		<-closed
	case 5: // a slow reader
		send("GET /logtail/writes HTTP/1.1\r\nHost: x\r\n\r\n")
		for buffer := make([]byte, 16); ; <-time.After(50 * time.Millisecond) {
			if _, err := c.Read(buffer); err != nil {
				return
			}
		}
	case 6: // many requests whose answers are not read
		call := request("supervisor.getAllProcessInfo")
		for range 200 {
			if !send(call) {
				return
			}
		}
	case 7: // garbage
		send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00\xff\r\n", 5000))
		_, _ = io.Copy(io.Discard, c)
	case 8: // a large answer, of which little is read
		send(request("supervisor.readProcessStdoutLog", "writes", 0, 10<<20))
		_, _ = io.CopyN(io.Discard, c, 1000)
		<-closed
	case 9: // depth
		send("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 3000000\r\n\r\n" +
			strings.Repeat("<array><data><value>", 150000))
		_, _ = io.Copy(io.Discard, c)
	}
}

// request is an XML-RPC request with its head.
func request(method string, args ...any) string {
	body, err := xmlrpc.EncodeMethodCall(method, args...)
	if err != nil {
		return ""
	}
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}
