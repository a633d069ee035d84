package alertmanager_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
	"github.com/vigilance-go/vigilance/notify/alertmanager/alertmanagertest"
)

func TestRealAlertmanagerFiresAndResolves(t *testing.T) {
	hook := alertmanagertest.NewReceiver(t)
	a := alertmanagertest.Start(t, hook.URL, "")
	am, err := alertmanager.New(alertmanager.Config{URLs: []string{a.URL}})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	if err := am.Check(t.Context()); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	keeper := alertmanager.NewKeeper(am, alertmanager.KeeperOptions{})
	for _, tt := range []struct {
		process string
		n       notify.Notifier
	}{{"plain", am}, {"kept", keeper}} {
		fatal := event("FATAL", tt.process)
		fatal.Log, fatal.Labels = "last \x1b[1mwords\n中文 <&>\xff", map[string]string{"not-valid": "x", "empty": ""}
		fatal.Time = fatal.Time.Add(-10 * time.Minute) // it waited in a spool
		send(t, tt.n, fatal)
	}
	fired := []string{"firing ProcessFatal kept: kept fatal", "firing ProcessFatal plain: plain fatal"}
	hook.Expect(t, 0, fired...)
	for process, n := range map[string]notify.Notifier{"plain": am, "kept": keeper, "other": am} {
		running := event("RUNNING", process)
		running.Labels = map[string]string{"not-valid": "x", "empty": ""}
		send(t, n, running)
	}
	// What never fired is not told as resolved.
	hook.Expect(t, 3*time.Second, append(fired,
		"resolved ProcessFatal kept: kept fatal", "resolved ProcessFatal plain: plain running")...)
}

// What Alertmanager refuses, and what it makes of a batch.
func TestRealAlertmanagerRefuses(t *testing.T) {
	hook := alertmanagertest.NewReceiver(t)
	a := alertmanagertest.Start(t, hook.URL, "")
	for _, tt := range []struct {
		body, contentType string
		want              int
	}{
		{`[{"labels":{"alertname":"x","process":"good"}}]`, "application/json", 200},
		{`[{"labels":{"alertname":"x"}}]`, "text/plain", 415},
		{`{"labels":{"alertname":"x"}}`, "application/json", 400},
		{`[{"labels":{}}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x","a-b":"y"}}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]`, "application/json", 400},
		{`[{"labels":{"alertname":"x","process":"with bad"}},{"labels":{"a-b":"y"}}]`, "application/json", 400},
	} {
		resp, err := http.Post(a.URL+"/api/v2/alerts", tt.contentType, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want || tt.want == 200 && len(body) > 0 {
			t.Errorf("POST %s = %d %s, want %d", tt.body, resp.StatusCode, body, tt.want)
		}
	}
	hook.Expect(t, 0, "firing x good: ", "firing x with bad: ")
}

// A pair delivers once; so does what is left of it.
func TestRealClusterDeliversOnce(t *testing.T) {
	hook := alertmanagertest.NewReceiver(t)
	first, second := alertmanagertest.FreePort(t), alertmanagertest.FreePort(t)
	a := alertmanagertest.Start(t, hook.URL, first)
	b := alertmanagertest.Start(t, hook.URL, second, first)
	alertmanagertest.Until(t, "the cluster", func() bool { return len(a.Status()) == 2 && len(b.Status()) == 2 })
	am, err := alertmanager.New(alertmanager.Config{URLs: []string{a.URL, b.URL}})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	log, logged := quiet()
	k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log})
	send(t, k, event("FATAL", "cat"))
	send(t, k, event("FATAL", "dog"))
	want := []string{"firing ProcessFatal cat: cat fatal", "firing ProcessFatal dog: dog fatal"}
	// The other one waits for 2 s before it delivers what was not delivered.
	hook.Expect(t, 5*time.Second, want...)

	// The one that delivers is the first by name; kill it.
	names := a.Status()
	killed := a
	if self := b.PeerName(t); self == slices.Min(names) {
		killed = b
	}
	killed.Kill()
	send(t, k, event("FATAL", "fox"))
	send(t, k, event("RUNNING", "cat"))
	want = append(want, "firing ProcessFatal fox: fox fatal", "resolved ProcessFatal cat: cat fatal")
	hook.Expect(t, 4*time.Second, want...)
	if !strings.Contains(logged(), "does not take alerts") {
		t.Errorf("log = %s, want a warning for the one that was killed", logged())
	}
}
