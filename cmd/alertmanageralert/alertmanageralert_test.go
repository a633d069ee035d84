package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

// receiver is an Alertmanager that remembers the last word about each alert.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	firing map[string]bool // by alertname and process
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{firing: make(map[string]bool)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var alerts []alertmanager.Alert
		if err := json.NewDecoder(req.Body).Decode(&alerts); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, a := range alerts {
			r.firing[a.Labels["alertname"]+" "+a.Labels["process"]] = a.EndsAt.IsZero() || a.EndsAt.After(time.Now())
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// wait waits until an alert fires, or is resolved.
func (r *receiver) wait(t *testing.T, alert string, firing bool) {
	t.Helper()
	checktest.Until(t, fmt.Sprintf("%s, firing %v", alert, firing), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		got, known := r.firing[alert]
		return known && got == firing
	}, func() string { return fmt.Sprint(r.firing) })
}

func state(event listener.EventType, process string, pid int) listener.ProcessState {
	return listener.ProcessState{EventType: event, ProcessName: process, GroupName: process, FromState: "RUNNING", PID: pid}
}

// FATAL and a crash loop fire, one crash does not; running again, and being
// stopped, resolve. What fires is known to the next process as well.
func TestFiresAndResolves(t *testing.T) {
	r := newReceiver(t)
	dir := t.TempDir()
	start := func() *listenertest.Supervisor {
		cmd := checktest.Command("-a", "-u", r.URL, "--spool", dir, "--recovered", "100ms", "--loop", "3/1m",
			"--silence-file", filepath.Join(dir, "silence"))
		cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_GROUP_NAME=am")
		return listenertest.StartCommand(t, cmd)
	}
	daemon := start()
	daemon.Deliver(state(listener.ProcessStateFatal, "db", 0), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateFatal, "mail", 0), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateExited, "web", 1), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateExited, "web", 2), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateExited, "once", 3), listener.ResultOK)
	r.wait(t, "ProcessFatal db", true)
	daemon.Deliver(state(listener.ProcessStateExited, "web", 4), listener.ResultOK)
	r.wait(t, "ProcessCrashLoop web", true)
	daemon.Deliver(state(listener.ProcessStateStopped, "mail", 0), listener.ResultOK)
	r.wait(t, "ProcessFatal mail", false)
	if err := daemon.Close(); err != nil {
		t.Errorf("alertmanageralert ended with %v, want nil", err)
	}

	r.mu.Lock()
	clear(r.firing) // an Alertmanager that was restarted
	r.mu.Unlock()
	next := start()
	r.wait(t, "ProcessFatal db", true)
	next.Header.Serial = 100
	next.Deliver(state(listener.ProcessStateRunning, "db", 5), listener.ResultOK)
	next.Deliver(state(listener.ProcessStateRunning, "web", 6), listener.ResultOK)
	r.wait(t, "ProcessFatal db", false)
	r.wait(t, "ProcessCrashLoop web", false)
	if err := next.Close(); err != nil {
		t.Errorf("alertmanageralert ended with %v, want nil", err)
	}
	for alert := range r.firing {
		if alert == "ProcessExited once" || alert == "ProcessCrashLoop once" {
			t.Errorf("%s was sent, want nothing about one crash", alert)
		}
	}
}
