package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// strangersName is a name that leads here without being this machine's.
const strangersName = "evil.example"

// browser is a Chromium with one tab, at a page of a daemon.
type browser struct {
	*daemon
	ctx context.Context

	mu       sync.Mutex
	failures []string // of scripts, styles and the security policy
}

// open starts a Chromium and loads a page of d. What the page's scripts throw,
// and what the browser refuses to load, fails the test.
func open(t *testing.T, d *daemon, path string, before ...chromedp.Action[chromedp.Void]) *browser {
	t.Helper()
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(peer(t, "/usr/bin/chromium", "chromium")),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("host-resolver-rules", "MAP "+strangersName+" 127.0.0.1"),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1300, 900))
	t.Cleanup(cancel)
	b := &browser{daemon: d}
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	b.ctx = ctx
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	for _, action := range before {
		b.perform("prepare the page", action)
	}
	b.navigate(path)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.failures) > 0 {
			t.Errorf("the browser complains:\n%s", strings.Join(b.failures, "\n"))
		}
	})
	return b
}

// listen collects complaints.
func (b *browser) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.failures = append(b.failures, text)
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError {
			b.failures = append(b.failures, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// forgive forgets complaints that a test has provoked.
func (b *browser) forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = nil
}

func (b *browser) perform(what string, action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, action); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

func (b *browser) navigate(path string) {
	b.t.Helper()
	b.perform("load "+path, chromedp.Navigate(b.url+path))
}

// click clicks with the mouse on the first element, which must be visible.
func (b *browser) click(css string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible)); err != nil {
		b.t.Fatalf("click on %s: %v; the page:\n%s", css, err, eval[string](b, `document.body.innerText`))
	}
}

// keys types text into an element.
func (b *browser) keys(css, text string) {
	b.t.Helper()
	b.perform("type into "+css, chromedp.SendKeys(chromedp.CSS(css), text))
}

// eval evaluates an expression in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// shows waits until an expression in the page is true.
func (b *browser) shows(expression string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); ; <-time.After(30 * time.Millisecond) {
		// A page that is being left has no answer.
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && ok {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("the page does not come to show %s; it shows:\n%s\nthe log:\n%s", expression,
				eval[string](b, `document.body.innerText`), b.read("supervisord.log"))
		}
	}
}

// says waits for a message at the top of the page.
func (b *browser) says(message string) {
	b.t.Helper()
	b.shows(fmt.Sprintf(`document.querySelector(".status_msg span")?.textContent === %q`, message))
}

// row is a script's expression for a program's row.
func rowOf(name string) string {
	return fmt.Sprintf(`document.querySelector('tr.program[data-name="%s"]')`, name)
}

// inState waits until the page shows a program in a state.
func (b *browser) inState(name, state string) {
	b.t.Helper()
	b.shows(fmt.Sprintf(`%s?.dataset.state === %q && %s.querySelector(".status").innerText === %q`,
		rowOf(name), state, rowOf(name), strings.ToLower(state)))
}

// connected waits until the page is live.
func (b *browser) connected() {
	b.t.Helper()
	b.shows(`document.querySelector("#connection").dataset.state === "live"`)
}

// withoutScripts switches scripts off before a page is loaded.
func withoutScripts(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return chromedp.Void{}, err
}
