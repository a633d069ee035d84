package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// asProxied is the daemon behind a proxy that shows it under another path.
func asProxied(d *daemon, address string) *daemon {
	proxied := *d
	proxied.url = address
	return &proxied
}

func TestThePageWorksUnderAPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []string
		proxy   proxy
	}{
		{"a proxy that strips the path and says so", nil, proxy{path: "/ops/super", strip: true, tell: true}},
		{"a proxy that strips the path", nil, proxy{path: "/ops", strip: true}},
		{"a proxy that passes the path on", []string{"base_path=/ops/"}, proxy{path: "/ops"}},
		{"a proxy with its own host", nil, proxy{path: "/ops", strip: true, tell: true, ownHost: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := oneCat.run(t, c.options...)
			d.untilState("cat", "RUNNING")
			target, err := url.Parse(d.url)
			if err != nil {
				t.Fatal(err)
			}
			b := open(t, asProxied(d, c.proxy.serve(t, target)+c.proxy.path), "/")
			b.connected()
			b.click(`button[name="stop"][value="cat"]`)
			b.says("Process cat stopped")
			b.inState("cat", "STOPPED")
			b.click(`tr.program[data-name="cat"] .name a`)
			b.shows(`document.querySelector("#state")?.dataset.state === "STOPPED"`)
			b.connected()
			b.click(`button[name="start"]`)
			b.says("Process cat started")
			b.navigate("/index.html?action=refresh")
			b.shows(`document.querySelector(".status_msg span")?.textContent.startsWith("Page refreshed at")`)
			if got := eval[string](b, `location.pathname`); got != c.proxy.path+"/" {
				t.Errorf("after an action link the address is %s, want %s/", got, c.proxy.path)
			}
		})
	}
}

func TestOtherSitesChangeNothingInARealBrowser(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	// The browser is signed in, so to speak: it has a session.
	b := open(t, d, "/")
	b.connected()
	evil := site(t, `<!DOCTYPE html><title>evil</title>
<img src="TARGET/index.html?action=stopall">
<img src="TARGET/index.html?processname=cat&amp;action=stop" referrerpolicy="no-referrer">
<iframe name="frame" src="TARGET/"></iframe>
<form id="form" method="post" action="TARGET/do" target="frame"><input name="stop" value="*"></form>
<form id="legacy" method="post" action="TARGET/index.html" target="frame"><input name="action" value="stopall"></form>
<script>
fetch("TARGET/index.html?action=stopall", { mode: "no-cors", credentials: "include" }).catch(() => 0);
fetch("TARGET/do", { mode: "no-cors", method: "POST", credentials: "include", body: new URLSearchParams({ stop: "*" }) }).catch(() => 0);
form.submit();
legacy.submit();
addEventListener("load", () => setTimeout(() => { document.title = "done"; }, 500));
</script>`, d.url)
	b.perform("visit another site", chromedp.Navigate(evil))
	b.shows(`document.title === "done"`)
	b.perform("follow a link there", chromedp.Evaluate[chromedp.Void](`location.href = "`+d.url+`/index.html?action=stopall"`))
	b.shows(`document.querySelector("h1")?.textContent === "This request came from another site"`)
	for name, state := range d.states() {
		if state != "RUNNING" {
			t.Errorf("%s is %s, want RUNNING", name, state)
		}
	}
	if log := d.read("supervisord.log"); strings.Contains(log, "stopped:") || strings.Count(log, "came from another site") < 5 {
		t.Errorf("the log does not tell of refused requests alone:\n%s", log)
	}
	b.forgive() // the browser tells of each refusal
	// A bookmark, which the browser opens by itself, still works.
	for _, action := range []string{"stop", "start", "stop"} { // also for the second time
		b.navigate("/index.html?processname=cat&action=" + action)
		b.shows(`document.querySelector(".status_msg span")?.textContent.startsWith("Process cat ` + action + `")`)
		d.untilState("cat", map[string]string{"start": "RUNNING", "stop": "STOPPED"}[action])
	}
}
