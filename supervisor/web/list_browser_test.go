package web

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// severalPrograms have a group, programs that run and one that does not.
const severalPrograms = programs(`
[program:cat]
command=/bin/cat
startsecs=0
[program:idle]
command=/bin/cat
startsecs=0
autostart=false
[program:fails]
command=/bin/false
startretries=0
autostart=false
[program:traps]
command=/bin/sh -c "trap 'echo got USR1' USR1; echo ready; while :; do sleep 0.05; done"
startsecs=0
[program:pair]
command=/bin/cat
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
`)

func TestButtonsActWithoutLeavingThePage(t *testing.T) {
	t.Parallel()
	b := open(t, severalPrograms.run(t), "/")
	b.connected()
	eval[bool](b, `window.stays = true`)
	button := func(value, name string) string {
		return fmt.Sprintf(`#board button[name=%q][value=%q]`, name, value)
	}

	b.inState("cat", "RUNNING")
	b.click(button("cat", "stop"))
	b.says("Process cat stopped")
	b.inState("cat", "STOPPED")
	if eval[bool](b, fmt.Sprintf(`document.querySelector('%s').offsetParent !== null`, button("cat", "stop"))) {
		t.Error("a stopped program still has its stop button")
	}
	b.click(button("cat", "start"))
	b.says("Process cat started")
	b.inState("cat", "RUNNING")
	pid := eval[string](b, rowOf("cat")+`.dataset.pid`)
	b.click(button("cat", "restart"))
	b.says("Process cat restarted")
	b.shows(rowOf("cat") + `.dataset.pid !== "` + pid + `"`)
	b.click(button("fails", "start"))
	b.says("ERROR: Process fails: spawn error")
	b.inState("fails", "FATAL")
	b.shows(`document.querySelector(".status_msg").dataset.tone === "bad"`)

	b.click(button("pair:*", "stop"))
	b.says("Group pair: 2 stopped")
	b.inState("pair:pair_01", "STOPPED")
	b.shows(`document.querySelector('tbody[data-group="pair"] .count').textContent === "0 of 2 running"`)
	b.click(button("pair:*", "start"))
	b.says("Group pair: 2 started")
	b.click(button("pair:*", "restart"))
	b.says("Group pair: 2 restarted")
	b.inState("pair:pair_00", "RUNNING")

	// Signals and logs are in a dialog.
	b.click(`button.more[data-target="traps"]`)
	b.shows(`document.querySelector("#more").open && document.querySelector("#more h2").textContent === "traps"`)
	b.perform("choose a signal", chromedp.SetValue(chromedp.CSS(`#more select`), "USR1"))
	b.click(`#more button[name="signal"]`)
	b.says("Process traps signalled with USR1")
	b.until("traps has got the signal", func() bool { return strings.Contains(b.get("/tail.html?processname=traps").body, "got USR1") })
	b.click(`button.more[data-target="traps"]`)
	b.click(`#more button[name="clear"]`)
	b.says("Log for traps cleared")
	if tail := b.get("/tail.html?processname=traps").body; strings.Contains(tail, "got USR1") {
		t.Errorf("the log of traps is not cleared:\n%s", tail)
	}
	b.click(`button.more[data-target="pair:*"]`)
	b.click(`#more button[name="clear"]`)
	b.says("Group pair: 2 cleared")
	b.click(`button.more[data-target="*"]`)
	b.perform("choose a signal", chromedp.SetValue(chromedp.CSS(`#more select`), "CONT"))
	b.click(`#more button[name="signal"]`)
	b.says("All programs: 4 signalled")

	// What concerns all is asked for first.
	b.click(button("*", "stop"))
	b.shows(`document.querySelector("#confirm").open`)
	b.click(`#confirm button[value="no"]`)
	b.shows(`!document.querySelector("#confirm").open`)
	if got := b.states()["cat"]; got != "RUNNING" {
		t.Errorf("cat is %s after a cancelled Stop All, want RUNNING", got)
	}
	b.click(button("*", "stop"))
	b.click(`#confirm button[value="yes"]`)
	b.says("All programs: 4 stopped")
	b.inState("cat", "STOPPED")
	b.click(button("*", "start"))
	b.says("ERROR: All programs: 5 started, 1 failed: SPAWN_ERROR: fails")
	b.click(button("*", "restart"))
	b.click(`#confirm button[value="yes"]`)
	b.says("ERROR: All programs: 5 restarted, 1 failed: SPAWN_ERROR: fails")
	b.click(`#statusmessage .dismiss`)
	b.shows(`document.querySelector("#statusmessage").className === "hidden"`)
	if !eval[bool](b, `window.stays === true`) {
		t.Error("the page was loaded again")
	}
}

func TestThePageFollowsTheDaemon(t *testing.T) {
	t.Parallel()
	d := severalPrograms.run(t)
	b := open(t, d, "/")
	b.connected()
	b.inState("cat", "RUNNING")
	eval[bool](b, `window.stays = true`)

	d.get("/?action=stop&processname=cat")
	b.inState("cat", "STOPPED")
	b.shows(`document.querySelector("#events li").innerText.includes("cat stopped")`)
	d.get("/?action=start&processname=idle")
	b.inState("idle", "RUNNING")

	// A child that is killed comes back with another pid, unasked.
	pid := eval[string](b, rowOf("traps")+`.dataset.pid`)
	var n int
	if _, err := fmt.Sscan(pid, &n); err != nil || n <= 1 {
		t.Fatalf("the page shows pid %q for traps", pid)
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.shows(rowOf("traps") + `.dataset.state === "RUNNING" && ` + rowOf("traps") + `.dataset.pid !== "` + pid + `"`)
	b.shows(`document.querySelector("#events").innerText.includes("traps exited unexpectedly")`)

	// The uptime goes on by itself.
	before := eval[string](b, rowOf("traps")+`.querySelector(".desc").innerText`)
	b.shows(rowOf("traps") + `.querySelector(".desc").innerText !== "` + before + `"`)
	b.shows(`/^pid \d+, uptime \d:\d\d:\d\d$/.test(` + rowOf("traps") + `.querySelector(".desc").innerText)`)

	// Charts grow.
	b.shows(`/^\d+(\.\d)?%$/.test(` + rowOf("traps") + `.querySelector(".cpu .figure").textContent)`)
	b.shows(`/iB$/.test(` + rowOf("traps") + `.querySelector(".mem .figure").textContent)`)
	b.shows(rowOf("traps") + `.querySelector(".mem polyline").getAttribute("points").split(" ").length >= 3`)
	b.shows(rowOf("cat") + `.querySelector(".mem .figure").textContent === ""`)
	if !eval[bool](b, `window.stays === true`) {
		t.Error("the page was loaded again")
	}
}

func TestChangesOfTheConfigurationAreShownAndPutToWork(t *testing.T) {
	t.Parallel()
	d := severalPrograms.run(t)
	b := open(t, d, "/")
	b.connected()
	b.click(`button[name="reread"]`)
	b.says("No config updates to processes")
	changed := strings.Replace(string(severalPrograms), "[program:idle]\ncommand=/bin/cat", "[program:idle]\ncommand=/bin/cat -u\nenvironment=SECRET=\"hush\"", 1)
	changed = strings.Replace(changed, "[program:fails]", "[program:fresh]\ncommand=/bin/cat\nstartsecs=0\n[program:gone]", 1)
	changed = strings.Replace(changed, "[program:gone]\ncommand=/bin/false\nstartretries=0\nautostart=false\n", "", 1)
	d.configure(programs(changed))
	b.click(`button[name="reread"]`)
	b.says("fresh: available, idle: changed, fails: disappeared")
	b.shows(`document.querySelectorAll("#changes > li").length === 3`)
	text := eval[string](b, `document.querySelector("#changes").innerText`)
	for _, want := range []string{"command: /bin/cat → /bin/cat -u", "environment: SECRET", "1 process, stopped first", "1 process, started unless"} {
		if !strings.Contains(text, want) {
			t.Errorf("the changes do not show %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hush") {
		t.Errorf("the changes show a value of the environment:\n%s", text)
	}
	if page := d.get("/").body; !strings.Contains(page, "command: /bin/cat → /bin/cat -u") {
		t.Error("the page without scripts does not show the changes")
	}
	b.click(`#changes button[value="fresh"]`)
	b.says("fresh: added process group")
	b.inState("fresh", "RUNNING")
	b.shows(`document.querySelectorAll("#changes > li").length === 2`)
	order := eval[string](b, `[...document.querySelectorAll("tr.program")].map((tr) => tr.dataset.name).join()`)
	if want := "cat,fails,fresh,idle,pair:pair_00,pair:pair_01,traps"; order != want {
		t.Errorf("the programs stand in the order %s, want %s", order, want)
	}
	b.click(`#update-all`)
	b.says("fails: removed process group, idle: updated process group")
	b.shows(rowOf("fails") + ` === null && document.querySelector("#changes").hidden`)
	// The new row works like the others.
	b.click(`button[name="stop"][value="fresh"]`)
	b.says("Process fresh stopped")
	b.inState("fresh", "STOPPED")

	d.configure(programs(string(severalPrograms) + "[program:broken]\n"))
	b.click(`button[name="reread"]`)
	b.shows(`document.querySelector(".status_msg").innerText.includes("ERROR: CANT_REREAD")`)
}

func TestThePageComesBackAfterARestart(t *testing.T) {
	t.Parallel()
	d := severalPrograms.run(t)
	b := open(t, d, "/")
	b.connected()
	b.inState("cat", "RUNNING")
	pid := eval[string](b, rowOf("cat")+`.dataset.pid`)
	token := eval[string](b, `document.querySelector('input[name="token"]').value`)
	var supervisord int
	if _, err := fmt.Sscan(d.read("supervisord.pid"), &supervisord); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(supervisord, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.shows(rowOf("cat") + `.dataset.pid !== "` + pid + `" && ` + rowOf("cat") + `.dataset.state === "RUNNING"`)
	b.connected()
	b.shows(`document.querySelector('input[name="token"]').value !== "` + token + `"`)
	b.click(`button[name="stop"][value="cat"]`)
	b.says("Process cat stopped")
	b.forgive() // the browser notes the connection that was lost
}

func TestThePageTellsOfAShutdown(t *testing.T) {
	t.Parallel()
	d := programs(string(oneCat) + "[program:slow]\ncommand=/bin/sh -c \"trap '' TERM; while :; do sleep 0.1; done\"\nstopwaitsecs=4\nstartsecs=0\n").run(t)
	b := open(t, d, "/")
	b.connected()
	b.inState("slow", "RUNNING")
	var supervisord int
	if _, err := fmt.Sscan(d.read("supervisord.pid"), &supervisord); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(supervisord, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.shows(`!document.querySelector("#down").hidden && ` + rowOf("slow") + ` !== null`)
	b.shows(`document.querySelector("#events").innerText.includes("supervisord is going down")`)
	b.shows(`document.querySelector("#connection").textContent === "connection lost"`)
	if !eval[bool](b, rowOf("slow")+` !== null`) {
		t.Error("the list has vanished with the connection")
	}
	b.forgive() // the browser notes the connection that was lost
}

func TestSearchFilterAndFolding(t *testing.T) {
	t.Parallel()
	b := open(t, severalPrograms.run(t), "/")
	b.connected()
	shown := func() string {
		return eval[string](b, `[...document.querySelectorAll("tr.program")].filter((tr) => tr.offsetParent !== null).map((tr) => tr.dataset.name).join()`)
	}
	is := func(what, want string) {
		t.Helper()
		if got := shown(); got != want {
			t.Errorf("%s shows %s, want %s", what, got, want)
		}
	}
	b.inState("pair:pair_01", "RUNNING")
	const all = "cat,fails,idle,pair:pair_00,pair:pair_01,traps"
	is("the page", all)
	b.perform("press /", chromedp.KeyEvent("/"))
	b.shows(`document.activeElement.id === "search"`)
	eval[bool](b, `(document.activeElement.value = "", true)`) // a keyboard would not have typed the /
	b.keys("#search", "pair run")
	is("a search for two words", "pair:pair_00,pair:pair_01")
	b.keys("#search", "x")
	b.shows(`!document.querySelector("#nomatch").hidden`)
	b.perform("press Escape", chromedp.KeyEvent(kb.Escape))
	is("Escape", all)
	b.click(`.chip[data-filter="down"]`)
	is("the filter for stopped ones", "fails,idle")
	b.click(`.chip[data-filter=""]`)
	b.click(`tbody[data-group="pair"] .fold`)
	is("a folded group", "cat,fails,idle,traps")
	if got := eval[string](b, `document.querySelector('tbody[data-group="pair"] .fold').getAttribute("aria-expanded")`); got != "false" {
		t.Errorf("aria-expanded of a folded group = %q, want false", got)
	}
	b.keys("#search", "pair_01")
	is("a search in a folded group", "pair:pair_01")
	b.navigate("/")
	b.connected()
	is("the page loaded again", "cat,fails,idle,traps")
	b.perform("focus the group", chromedp.Focus(chromedp.CSS(`tbody[data-group="pair"] .fold`)))
	b.perform("press Enter", chromedp.KeyEvent(kb.Enter))
	is("an unfolded group", all)
}

func TestTheThemeIsRemembered(t *testing.T) {
	t.Parallel()
	b := open(t, oneCat.run(t), "/")
	background := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, background)
	b.click("#theme")
	b.shows(background + ` !== "` + light + `"`)
	dark := eval[string](b, background)
	b.navigate("/tail.html?processname=cat")
	if got := eval[string](b, background); got != dark {
		t.Errorf("the next page is %s, want %s as chosen", got, dark)
	}
}

func TestTheBasicsWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	d := severalPrograms.run(t)
	d.untilState("pair:pair_01", "RUNNING")
	b := open(t, d, "/", withoutScripts)
	text := func(css string) string {
		t.Helper()
		v, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS(css)))
		if err != nil && b.ctx.Err() != nil {
			t.Fatalf("read %s: %v", css, err)
		}
		return v // empty while one page makes way for the next
	}
	says := func(want string) {
		t.Helper()
		b.until("the page says "+want, func() bool { return text("#statusmessage span") == want })
	}
	b.click(`button[name="stop"][value="cat"]`)
	says("Process cat stopped")
	d.untilState("cat", "STOPPED")
	b.click(`button[name="start"][value="cat"]`)
	says("Process cat started")
	b.click(`button[name="restart"][value="pair:*"]`)
	says("Group pair: 2 restarted")
	b.keys(`#more input[name="target"]`, "traps")
	b.click(`#more button[name="signal"]`)
	says("Process traps signalled with HUP")
	b.click(`button[name="reread"]`)
	says("No config updates to processes")
	if got := text("#events"); !strings.Contains(got, "pair:pair_00 running") {
		t.Errorf("the page has no events: %q", got)
	}
	b.click(`tr.program[data-name="traps"] .name a`)
	b.until("the log is shown", func() bool { return strings.Contains(text("#log"), "ready") })
	b.click(`button[name="clear"]`)
	says("Log for traps cleared")
	b.click(`button[name="stop"][value="*"]`)
	says("All programs: 4 stopped")
}
