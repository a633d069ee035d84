package web

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// signedIn gives the browser a user's password.
func signedIn(name string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, value, _ := strings.Cut(authorization(name), ": ")
		_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Authorization": value}})
		return chromedp.Void{}, err
	}
}

// TestButtonsAreThoseOfTheRole looks at the page as each kind of user: what is
// shown is what would be done.
func TestButtonsAreThoseOfTheRole(t *testing.T) {
	t.Parallel()
	d := staffed(t)
	for _, tt := range []struct {
		name              string
		operates, governs bool
	}{{"olga", false, false}, {"otto", true, false}, {"anna", true, true}} {
		b := open(t, d, "/", signedIn(tt.name))
		b.connected()
		b.shows(`document.querySelector("tr.program")?.dataset.state === "RUNNING"`)
		visible := func(css string) bool {
			return eval[bool](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.checkVisibility())`, css))
		}
		for _, c := range []struct {
			css  string
			want bool
		}{
			{`button[name="stop"][value="cat"]`, tt.operates},
			{`button[name="stop"][value="*"]`, tt.operates},
			{`button[name="reread"]`, tt.governs},
			{`a[href="index.html?action=refresh"]`, true},
			{`tr.program .name a`, true},
		} {
			if got := visible(c.css); got != c.want {
				t.Errorf("%s sees %s: %v, want %v", tt.name, c.css, got, c.want)
			}
		}
		b.navigate("/log.html")
		b.shows(`document.readyState === "complete"`)
		if got := visible(`button[name="clearmain"]`); got != tt.governs {
			t.Errorf("%s sees the button that clears the daemon's log: %v, want %v", tt.name, got, tt.governs)
		}
		b.navigate("/tail.html?processname=cat")
		b.shows(`document.readyState === "complete"`)
		if got := visible(`.log-actions button`); got != tt.operates {
			t.Errorf("%s sees the buttons of a program's log: %v, want %v", tt.name, got, tt.operates)
		}
	}
}

// TestARealBrowserThatIsReboundOnlyLooks lets a browser resolve a stranger's name
// to this machine, as after DNS rebinding: whatever the page's scripts try, with
// the token that they can read and with headers that they can set, nothing acts.
func TestARealBrowserThatIsReboundOnlyLooks(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	b := open(t, asProxied(d, "http://"+strangersName+d.url[strings.LastIndexByte(d.url, ':'):]), "/")
	b.connected()
	eval[bool](b, `(() => {
		const headers = {"Accept-Language": "", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "localhost", "X-Requested-With": "curl"};
		const token = document.querySelector("[name=token]").value;
		const call = "<methodCall><methodName>supervisor.stopAllProcesses</methodName></methodCall>";
		window.tried = {};
		const note = (name) => (r) => r.text().then((text) => { window.tried[name] = r.status + " " + text; });
		fetch("do", {method: "POST", body: new URLSearchParams({stop: "*", token}), headers}).then(note("button"));
		fetch("index.html?action=stopall", {headers, referrerPolicy: "no-referrer"}).then(note("link"));
		fetch("RPC2", {method: "POST", body: call, headers: {...headers, "Content-Type": "text/xml"}}).then(note("rpc"));
		return true;
	})()`)
	b.shows(`Object.keys(window.tried).length === 3`)
	for name, want := range map[string]string{"button": "403 ", "link": "403 ", "rpc": "200 "} {
		got := eval[string](b, `window.tried.`+name)
		if !strings.HasPrefix(got, want) || !strings.Contains(got, "not permitted: ") {
			t.Errorf("%s: got %q, want %s and that it is not permitted", name, got, want)
		}
	}
	if got := d.states()["cat"]; got != "RUNNING" {
		t.Errorf("cat is %s after all that, want RUNNING", got)
	}
	b.forgive() // the browser tells of the 403s
}
