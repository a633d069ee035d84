package alertmanager_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

// instance is an Alertmanager without a network.
type instance struct {
	mu    sync.Mutex
	start time.Time
	// answer, when not nil, is asked first; status 0 is a lost connection, and
	// ok an instance that works.
	answer func(posts int) (status int, body string)
	// delay is how long the next answer takes, in nanoseconds; hang, all.
	delay atomic.Int64
	hang  bool
	posts []post
}

const (
	ok   = -1
	lost = 0
)

// post is one alert that was posted and taken.
type post struct {
	At   time.Duration // since the start of the test
	Name string
	Who  string        // process
	Ends time.Duration // since At; 0 for none
	alertmanager.Alert
}

var name = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (in *instance) serve(r *http.Request) (int, string) {
	if r.Method == http.MethodGet && r.URL.Path == "/prefix/api/v2/status" {
		return 200, `{"cluster":{"status":"ready"},"versionInfo":{"version":"0.25.0"}}`
	}
	if r.Method != http.MethodPost || r.URL.Path != "/prefix/api/v2/alerts" {
		return 404, "not found"
	}
	if r.Header.Get("Content-Type") != "application/json" {
		return 415, `{"code":415,"message":"unsupported media type"}`
	}
	var alerts []alertmanager.Alert
	if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
		return 400, err.Error()
	}
	status := 200
	for _, a := range alerts {
		bad := len(a.Labels) == 0 || a.Labels["alertname"] == "BadOne"
		for label := range a.Labels {
			bad = bad || !name.MatchString(label)
		}
		if bad || !a.EndsAt.IsZero() && a.EndsAt.Before(a.StartsAt) {
			status = 400 // the good ones are kept
			continue
		}
		p := post{At: time.Since(in.start), Name: a.Labels["alertname"], Who: a.Labels["process"], Alert: a}
		if !a.EndsAt.IsZero() {
			p.Ends = time.Until(a.EndsAt).Round(time.Millisecond)
		}
		in.posts = append(in.posts, p)
	}
	return status, ""
}

// RoundTrip implements http.RoundTripper.
func (in *instance) roundTrip(r *http.Request) (*http.Response, error) {
	wait := time.Duration(in.delay.Swap(0))
	if in.hang {
		wait = time.Hour
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	status, body := ok, ""
	if in.answer != nil {
		status, body = in.answer(len(in.posts))
	}
	switch status {
	case lost:
		return nil, errors.New("connection refused")
	case ok:
		status, body = in.serve(r)
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return w.Result(), nil
}

func (in *instance) taken() []post {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]post(nil), in.posts...)
}

// cluster is several instances, by host.
type cluster map[string]*instance

// RoundTrip implements http.RoundTripper.
func (c cluster) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c[r.URL.Host].roundTrip(r)
	if ctx := r.Context(); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return resp, err
}

// newCluster returns n instances, am1 and so on, and what posts to them.
func newCluster(t *testing.T, n int, c alertmanager.Config) (cluster, *alertmanager.Alertmanager) {
	t.Helper()
	all := make(cluster)
	for i := range n {
		host := fmt.Sprintf("am%d:9093", i+1)
		all[host] = &instance{start: time.Now()}
		c.URLs = append(c.URLs, "http://"+host+"/prefix/")
	}
	c.Client = &http.Client{Transport: all}
	am, err := alertmanager.New(c)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	return all, am
}

// event is a message about a process.
func event(name, process string) notify.Message {
	return notify.Message{
		ID: name + process, Time: time.Now(), Host: "h1", Event: "PROCESS_STATE_" + name, Group: "g", Process: process, PID: 42,
		Subject: process + " " + strings.ToLower(name), Body: "body",
	}
}

// quiet logs into a string.
func quiet() (*slog.Logger, func() string) {
	b := &lockedBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b.String
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
