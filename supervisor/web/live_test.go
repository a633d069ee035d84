package web

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen opens a stream of news and returns a reader of it.
func (d *daemon) listen(ctx context.Context, path string) *bufio.Reader {
	d.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		d.t.Fatalf("GET %s = %d %s, want 200 text/event-stream", path, resp.StatusCode, kind)
	}
	return bufio.NewReaderSize(resp.Body, 1<<20)
}

// next returns the data of the next event of a kind.
func next(t *testing.T, r *bufio.Reader, kind string) string {
	t.Helper()
	for found := false; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("read news of kind %s: %v", kind, err)
		}
		switch {
		case line == "event: "+kind+"\n":
			found = true
		case found && strings.HasPrefix(line, "data: "):
			return strings.TrimPrefix(line, "data: ")
		}
	}
}

func TestNewsReachSeveralAtOnce(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first, second := d.listen(ctx, "/live"), d.listen(ctx, "/live?log=cat")
	for _, r := range []*bufio.Reader{first, second} {
		if got := next(t, r, "picture"); !strings.Contains(got, `"name":"cat","group":"cat","state":"RUNNING"`) {
			t.Errorf("the picture does not show cat: %s", got)
		}
	}
	d.get("/?action=stop&processname=cat")
	for _, r := range []*bufio.Reader{first, second} {
		// Other programs may still be starting.
		for got := ""; !strings.Contains(got, `"name":"cat","text":"stopping"`); {
			got = next(t, r, "event")
		}
		for got := ""; !strings.Contains(got, `"name":"cat","group":"cat","state":"STOPPED"`); {
			got = next(t, r, "rows")
		}
	}
}

func TestABrowserThatDoesNotReadHarmsNobody(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	deaf := d.listen(ctx, "/live")
	next(t, deaf, "picture")
	for range 150 {
		d.get("/?action=restart&processname=cat")
	}
	if state := d.states()["cat"]; state != "RUNNING" {
		t.Errorf("cat is %s, want RUNNING", state)
	}
	// When it reads again it comes to know the present, by news or a picture.
	pid := strings.Split(strings.Split(d.get("/").body, `data-name="cat" data-state="RUNNING"`)[1], `data-pid="`)[1]
	pid, _, _ = strings.Cut(pid, `"`)
	for {
		line, err := deaf.ReadString('\n')
		if err != nil {
			t.Fatalf("the news end before they tell of pid %s: %v", pid, err)
		}
		if strings.Contains(line, `"pid":`+pid) {
			return
		}
	}
}

func TestNobodyIsMeasuredWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	pid := strings.TrimSpace(d.read("supervisord.pid"))
	used := func() int {
		text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil {
			t.Skipf("no /proc here: %v", err)
		}
		fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		return user + system
	}
	before := used()
	<-time.After(3 * time.Second) // the time that is measured
	if ticks := used() - before; ticks > 2 {
		t.Errorf("supervisord used %d ticks in 3 seconds in which nobody looked, want none", ticks)
	}
}
