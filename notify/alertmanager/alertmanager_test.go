package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

func TestAlertsOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{
			Labels: map[string]string{"team": "ops"}, Annotations: map[string]string{"runbook": "https://x.test"}, GeneratorURL: "http://h1:9001",
		})
		m := event("FATAL", "cat")
		m.FromState, m.Log = "BACKOFF", "last words \x1b[31m\n"
		m.Labels = map[string]string{"data-center": "eu", "9lives": "yes", "empty": "", "team": "dev"}
		if err := am.Notify(t.Context(), m); err != nil {
			t.Fatalf("Notify = %v, want nil", err)
		}
		want := alertmanager.Alert{
			Labels: map[string]string{
				"alertname": "ProcessFatal", "instance": "h1", "group": "g", "process": "cat", "team": "ops", "data_center": "eu", "_9lives": "yes",
			},
			Annotations: map[string]string{
				"summary": "cat fatal", "description": "body\n\nlast words", "event": "PROCESS_STATE_FATAL", "from_state": "BACKOFF", "pid": "42",
				"runbook": "https://x.test",
			},
			StartsAt: time.Now().UTC(), GeneratorURL: "http://h1:9001",
		}
		got := all["am1:9093"].taken()[0].Alert
		got.StartsAt, got.Annotations["description"] = got.StartsAt.UTC(), strings.TrimSpace(got.Annotations["description"])
		if !got.StartsAt.Equal(want.StartsAt) {
			t.Errorf("startsAt = %v, want %v", got.StartsAt, want.StartsAt)
		}
		got.StartsAt = want.StartsAt
		if !reflect.DeepEqual(got, want) {
			t.Errorf("alert = %+v\nwant %+v", got, want)
		}
	})
}

// What resolves knows not what fires: it resolves all that may.
func TestResolvingWithoutAMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			c     alertmanager.Config
			event string
			want  string
		}{
			{alertmanager.Config{}, "RUNNING", "ProcessFatal ProcessExited ProcessBackoff ProcessUnknown"},
			{alertmanager.Config{}, "STOPPED", "ProcessFatal ProcessExited ProcessBackoff ProcessUnknown"},
			{alertmanager.Config{AlertName: "Down"}, "RUNNING", "Down"},
		} {
			all, am := newCluster(t, 1, tt.c)
			if err := am.Notify(t.Context(), event(tt.event, "cat")); err != nil {
				t.Fatalf("Notify = %v, want nil", err)
			}
			var names []string
			for _, p := range all["am1:9093"].taken() {
				names = append(names, p.Name)
				if !p.EndsAt.Equal(time.Now()) || !p.StartsAt.Equal(p.EndsAt) {
					t.Errorf("%s starts %v and ends %v, want now %v", p.Name, p.StartsAt, p.EndsAt, time.Now())
				}
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("%s resolves %q, want %q", tt.event, got, tt.want)
			}
		}
		all, am := newCluster(t, 1, alertmanager.Config{ResolveOn: []string{}})
		if err := am.Notify(t.Context(), event("RUNNING", "cat")); err != nil || all["am1:9093"].taken()[0].Name != "ProcessRunning" {
			t.Errorf("Notify with nothing that resolves = %v, %+v; want ProcessRunning to fire", err, all["am1:9093"].taken())
		}
	})
}

// One instance that takes an alert is enough; which error counts where none
// does.
func TestOneInstanceIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type answer struct {
			status int
			body   string
		}
		for _, tt := range []struct {
			name string
			am   []answer
			want string
		}{
			{"both", []answer{{ok, ""}, {ok, ""}}, "accepted"},
			{"one lost", []answer{{lost, ""}, {ok, ""}}, "accepted"},
			{"one refuses", []answer{{400, "x"}, {ok, ""}}, "accepted"},
			{"lost", []answer{{lost, ""}, {lost, ""}}, "retry"},
			{"busy", []answer{{503, ""}, {500, ""}}, "retry"},
			{"one refuses, one lost", []answer{{400, "x"}, {lost, ""}}, "retry"},
			{"refused", []answer{{400, "bad label"}, {400, "bad label"}}, "permanent"},
			{"no permission", []answer{{401, ""}, {403, ""}}, "permanent"},
			{"media type", []answer{{415, ""}, {415, ""}}, "permanent"},
			{"a login page", []answer{{200, "<html>"}, {200, "<html>"}}, "retry 5 times"},
			{"too large", []answer{{413, ""}, {413, ""}}, "permanent"},
		} {
			all, am := newCluster(t, 2, alertmanager.Config{Password: "hush-hush", User: "u"})
			for i, a := range tt.am {
				all[fmt.Sprintf("am%d:9093", i+1)].answer = func(int) (int, string) { return a.status, a.body }
			}
			err := am.Notify(t.Context(), event("FATAL", "cat"))
			if got := chattest.Outcome(err); got != tt.want {
				t.Errorf("%s: Notify = %v (%s), want %s", tt.name, err, got, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), "am1:9093") && !strings.Contains(err.Error(), "am2:9093") || strings.Contains(err.Error(), "/prefix")) {
				t.Errorf("%s: Notify = %v, want the instance's name and no path", tt.name, err)
			}
			checkErr := am.Check(t.Context())
			if healthy := tt.name == "both"; healthy != (checkErr == nil) {
				t.Errorf("%s: Check = %v, want an error: %t", tt.name, checkErr, !healthy)
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "am", am)
			if text := fmt.Sprintf("%v %+v %#v %s", am, am, am, log.String()); strings.Contains(text, "hush") {
				t.Errorf("printed as %s, which holds the secret", text)
			}
		}
	})
}

// An instance that hangs delays nobody by more than a moment.
func TestAnInstanceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 2, alertmanager.Config{})
		all["am2:9093"].hang = true
		start := time.Now()
		err := am.Notify(t.Context(), event("FATAL", "cat"))
		if took := time.Since(start); err != nil || took > 2*time.Second || len(all["am1:9093"].taken()) != 1 {
			t.Errorf("Notify = %v after %v, want nil after at most 2s", err, took)
		}
		<-time.After(notify.DefaultTimeout) // and nothing is left of it
	})
}

func TestCheckedBeforeTheyAreSent(t *testing.T) {
	now := time.Now()
	label := func(name, value string) map[string]string { return map[string]string{name: value} }
	for _, tt := range []struct {
		a    alertmanager.Alert
		want string // "" for none
	}{
		{alertmanager.Alert{Labels: label("alertname", "x"), StartsAt: now, EndsAt: now}, ""},
		{alertmanager.Alert{Labels: label("_a9", "x")}, ""},
		{alertmanager.Alert{Labels: label("my-label", "x")}, `label name "my-label"`},
		{alertmanager.Alert{Labels: label("9a", "x")}, `label name "9a"`},
		{alertmanager.Alert{Labels: label("", "x")}, `label name ""`},
		{alertmanager.Alert{Labels: label("a:b", "x")}, `label name "a:b"`},
		{alertmanager.Alert{Labels: label("ä", "x")}, `label name "ä"`},
		{alertmanager.Alert{Labels: label("a", "\xff")}, "want UTF-8"},
		{alertmanager.Alert{Labels: label("a", "x"), Annotations: label("b c", "x")}, `label name "b c"`},
		{alertmanager.Alert{}, "no label with a value"},
		{alertmanager.Alert{Labels: label("a", "")}, "no label with a value"},
		{alertmanager.Alert{Labels: label("a", "x"), StartsAt: now, EndsAt: now.Add(-1)}, "before start"},
	} {
		err := tt.a.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Check(%+v) = %v, want %q", tt.a, err, tt.want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		err := am.Post(t.Context(), alertmanager.Alert{Labels: label("a", "x")}, alertmanager.Alert{Labels: label("a-b", "x")})
		if chattest.Outcome(err) != "permanent" || len(all["am1:9093"].taken()) != 0 {
			t.Errorf("Post with a bad alert = %v, want permanent and nothing sent", err)
		}
	})
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	url := []string{"http://am:9093"}
	for _, tt := range []struct {
		c    alertmanager.Config
		want string // "" for none
	}{
		{alertmanager.Config{URLs: url}, ""},
		{alertmanager.Config{}, "no URL"},
		{alertmanager.Config{URLs: []string{"am:9093"}}, "not a URL"},
		{alertmanager.Config{URLs: []string{"http://u:hidden@am:9093"}}, "with a user"},
		{alertmanager.Config{URLs: []string{"http://am:9093/api/v2/alerts"}}, "more than a prefix"},
		{alertmanager.Config{URLs: []string{"http://am:9093", "http://am:9093/"}}, "twice"},
		{alertmanager.Config{URLs: url, Password: "hidden"}, "password without a user"},
		{alertmanager.Config{URLs: url, User: "u", BearerToken: "hidden"}, "want one of them"},
		{alertmanager.Config{URLs: url, Labels: map[string]string{"a-b": "x"}}, `label name "a-b"`},
		{alertmanager.Config{URLs: url, Labels: map[string]string{"instance": "x"}}, `label "instance"`},
		{alertmanager.Config{URLs: url, Annotations: map[string]string{"a-b": "x"}}, `label name "a-b"`},
		{alertmanager.Config{URLs: url, GeneratorURL: "x"}, "generator URL"},
		{alertmanager.Config{URLs: url, CAFile: "/nowhere"}, "read CA file"},
	} {
		_, err := alertmanager.New(tt.c)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("New(%+v) = %v, want %q", tt.c, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("New = %v, which holds the secret", err)
		}
	}
}

// What is not set is not in the JSON: Alertmanager refuses a zero time.
func TestAlertAsJSON(t *testing.T) {
	got, err := json.Marshal(alertmanager.Alert{Labels: map[string]string{"alertname": "x"}})
	if want := `{"labels":{"alertname":"x"}}`; err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v; want %s", got, err, want)
	}
}

var _ notify.Checker = (*alertmanager.Keeper)(nil)
