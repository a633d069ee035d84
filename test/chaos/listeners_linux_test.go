package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolo/xmlrpc"
)

// TestListenersThatMisbehave holds that a pool whose listeners do what they
// must gets each event, whatever the others do, and that each event of those
// is accounted for.
func TestListenersThatMisbehave(t *testing.T) {
	t.Parallel()
	bad := []string{"hangs", "dies", "babbles", "twice", "refuses", "huge", "deaf", "floods", "closes"}
	var config strings.Builder
	for _, manner := range append(slices.Clone(bad), "good") {
		fmt.Fprintf(&config, "[eventlistener:%s]\n%sevents=REMOTE_COMMUNICATION,PROCESS_STATE_EXITED\nbuffer_size=50\nstartsecs=0\nautorestart=true\nstartretries=1000000\nstopwaitsecs=1\n",
			manner, strings.Replace(self("listen "+manner), "command=", "priority=1\ncommand=", 1))
	}
	r := account(t, "listeners that misbehave", fmt.Sprintf("%d pools, one of them good", len(bad)+1))
	d := start(t, spec{config: config.String()})
	d.until("all listeners to run", func() bool { return len(d.marked()) > len(bad) })
	before := d.vitals()
	events := 0
	for end := time.Now().Add(span(5*time.Second, 6)); time.Now().Before(end); {
		for range 25 {
			d.sendEvent(strings.Repeat("event ", 1+events%500))
			events++
		}
		// The deaths of the other pools' listeners are events of this one, too.
		d.until("the good pool to be through", func() bool {
			m := d.metrics()
			processed := total(m, "vigilance_pool_events_processed_total", `pool="good"`)
			return processed >= events && total(m, "vigilance_pool_events_waiting", `pool="good"`) == 0
		})
	}
	m, discarded := d.metrics(), d.discarded()
	d.until("a moment in which nothing is discarded", func() bool {
		before := discarded
		m, discarded = d.metrics(), d.discarded()
		return maps.Equal(before, discarded)
	})
	for _, pool := range append(bad, "good") {
		count := func(what string) int { return total(m, "vigilance_pool_events_"+what, `pool="`+pool+`"`) }
		accepted, processed, dropped := count("accepted_total")+count("total"), count("processed_total"), count("dropped_total")
		waiting, sent, rejected := count("waiting"), count("sent_total"), count("rejected_total")
		out := sent - processed - rejected // with a listener now
		if accepted != processed+dropped+waiting+out || out < 0 || out > 1 {
			r.lost++
			t.Errorf("pool %s: %d accepted, but %d processed, %d dropped, %d waiting, %d with the listener", pool, accepted, processed, dropped, waiting, out)
		}
		if discarded[pool] != dropped {
			r.lost++
			t.Errorf("pool %s: the log tells of %d discarded events, the metrics of %d", pool, discarded[pool], dropped)
		}
		if pool == "good" && (dropped != 0 || processed < events) {
			r.lost += dropped
			t.Errorf("the good pool: %d dropped, %d processed, want none and %d", dropped, processed, events)
		}
		r.faults += rejected
		r.inputs += sent
	}
	r.note = fmt.Sprintf("%d events to each pool,", events)
	r.closeBooks(d, before)
	d.end()
}

// discarded counts the events that the log tells of as discarded, by pool.
func (d *daemon) discarded() map[string]int {
	d.t.Helper()
	count := make(map[string]int)
	for line := range strings.Lines(d.read("supervisord.log")) {
		if _, rest, found := strings.Cut(line, "ERRO pool "); found && strings.Contains(rest, "discarding event") {
			pool, _, _ := strings.Cut(rest, " ")
			count[pool]++
		}
	}
	return count
}

// sendEvent emits a REMOTE_COMMUNICATION event.
func (d *daemon) sendEvent(data string) {
	d.t.Helper()
	body, err := xmlrpc.EncodeMethodCall("supervisor.sendRemoteCommEvent", "chaos", data)
	if err != nil {
		d.t.Fatal(err)
	}
	if answer, err := d.post(body); err != nil || !strings.Contains(answer, "<boolean>1</boolean>") {
		d.t.Fatalf("sendRemoteCommEvent: %v, %q", err, answer)
	}
}
