package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// loggingPrograms write what their fifos are given, and hold nasty logs.
const loggingPrograms = programs(`
[program:echo]
command=/bin/cat DIR/fifo
stdout_logfile=DIR/echo.log
stdout_logfile_maxbytes=3000
stdout_logfile_backups=2
startsecs=0
[program:nasty]
command=/bin/sh -c "cat DIR/nasty.txt; cat DIR/nasty.txt >&2; exec sleep 1000"
stdout_logfile=DIR/nasty.log
startsecs=0
[program:quiet]
command=/bin/cat
stdout_logfile=NONE
stderr_logfile=/dev/null
startsecs=0
`)

const nastyLog = "<script>document.title='owned'</script><img src=x onerror=alert(1)>\n" +
	"</pre></div><b onclick=alert(1)>bold?</b> &amp; &lt;\n" +
	"\x1b[31mred\x1b[0m \x1b[1mbold\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[Hplain\n" +
	"\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\ rtl \u202eoverride\n" +
	"nul \x00 bell \x07 back\x08space and \xff\xfe bytes\n"

// startLogging starts the programs, and returns what writes to echo's log.
func startLogging(t *testing.T) (d *daemon, write func(text string)) {
	t.Helper()
	dir := t.TempDir()
	fifo := newFIFO(t, dir+"/fifo")
	text := strings.ReplaceAll(string(loggingPrograms), "DIR/fifo", dir+"/fifo")
	text = strings.ReplaceAll(text, "DIR/nasty.txt", dir+"/nasty.txt")
	writeFile(t, dir+"/nasty.txt", nastyLog)
	d = programs(text).run(t)
	return d, func(text string) {
		t.Helper()
		if _, err := fifo.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
}

// lines is an expression for the text of the lines of the log that are shown.
const lines = `[...document.querySelectorAll("#log > *")].filter((l) => l.offsetParent !== null).map((l) => l.textContent).join("\n")`

func TestTheLogIsFollowed(t *testing.T) {
	t.Parallel()
	d, write := startLogging(t)
	write("first\n")
	b := open(t, d, "/tail.html?processname=echo")
	b.connected()
	b.shows(lines + ` === "first"`)
	write("second\nthi")
	b.shows(lines + ` === "first\nsecond\nthi"`)
	write("rd\n\n")
	b.shows(lines + ` === "first\nsecond\nthird\n"`)

	// It goes on across rotation, without a line lost or doubled.
	var want []string
	for i := range 120 {
		line := fmt.Sprintf("line %03d %s", i, strings.Repeat("x", 40))
		want = append(want, line)
		write(line + "\n")
		if i%20 == 19 {
			b.shows(lines + fmt.Sprintf(`.endsWith(%q)`, line))
		}
	}
	b.until("the log is rotated", func() bool { return d.read("echo.log.1") != "" })
	if got := eval[string](b, lines); got != "first\nsecond\nthird\n\n"+strings.Join(want, "\n") {
		t.Errorf("the log shown after rotation is\n%s", got)
	}
	atEnd := `document.querySelector("#log").scrollHeight - document.querySelector("#log").scrollTop - document.querySelector("#log").clientHeight < 24`
	b.shows(atEnd)

	// Scrolling up stops the following, the switch starts it again.
	eval[bool](b, `(document.querySelector("#log").scrollTop = 0, true)`)
	b.shows(`!document.querySelector("#follow").checked`)
	write("below\n")
	b.shows(lines + `.endsWith("below")`)
	if eval[bool](b, atEnd) {
		t.Error("the log jumps to its end while somebody reads further up")
	}
	b.click("#follow")
	b.shows(atEnd)

	// Clearing begins anew.
	b.click(`button[name="clear"]`)
	b.says("Log for echo cleared")
	b.shows(lines + ` === "The log was cleared."`)
	write("after\n")
	b.shows(lines + ` === "The log was cleared.\nafter"`)
}

func TestTheLogIsSearched(t *testing.T) {
	t.Parallel()
	d, write := startLogging(t)
	write("apple pie\nbanana\nAPPLE apple\n\x1b[31map\x1b[0mple tree\n")
	b := open(t, d, "/tail.html?processname=echo")
	b.connected()
	b.shows(lines + `.endsWith("apple tree")`)
	b.keys("#search", "apple")
	b.shows(`document.querySelector("#matches").textContent === "4 matches"`)
	if n := eval[int](b, `CSS.highlights.get("found").size`); n != 4 {
		t.Errorf("%d places are marked, want 4", n)
	}
	b.click("#only")
	b.shows(lines + ` === "apple pie\nAPPLE apple\napple tree"`)
	write("pear\none more apple\n")
	b.shows(`document.querySelector("#matches").textContent === "5 matches"`)
	b.shows(lines + ` === "apple pie\nAPPLE apple\napple tree\none more apple"`)
	b.perform("focus the search", chromedp.Focus(chromedp.CSS("#search")))
	b.perform("press Escape", chromedp.KeyEvent(kb.Escape))
	b.shows(lines + `.includes("pear") && document.querySelector("#matches").textContent === ""`)
}

func TestALogFullOfMarkupAndEscapesIsText(t *testing.T) {
	t.Parallel()
	d, _ := startLogging(t)
	d.until("nasty has written", func() bool { return len(d.read("nasty.log")) == len(nastyLog) })
	want := "<script>document.title='owned'</script><img src=x onerror=alert(1)>\n" +
		"</pre></div><b onclick=alert(1)>bold?</b> &amp; &lt;\n" +
		"red bold plain\nlink rtl override\nnul  bell  backspace and \ufffd\ufffd bytes"
	b := open(t, d, "/tail.html?processname=nasty")
	b.connected()
	b.shows(fmt.Sprintf(`%s === %q`, lines, want))
	b.shows(`document.title === "Supervisor tail of process nasty"`)
	if n := eval[int](b, `document.querySelectorAll("#log script, #log img, #log b, #log a").length`); n != 0 {
		t.Errorf("the log has made %d elements of its own", n)
	}
	if got := eval[string](b, `[...document.querySelectorAll("#log span")].map((s) => s.className + " " + s.textContent).join()`); got != "c1 red,b bold" {
		t.Errorf("the styled pieces are %q, want c1 red,b bold", got)
	}
	// The page of stderr, the one without scripts, and messages are no different.
	b.click(`.tabs a:not([aria-current])`)
	b.shows(`document.querySelector(".tabs [aria-current]").textContent === "stderr"`)
	b.connected()
	b.shows(fmt.Sprintf(`%s === %q`, lines, want))
	for _, path := range []string{"/tail.html?processname=nasty", "/tail.html?processname=%3Cscript%3Ealert(1)%3C/script%3E", "/?message=%3Cscript%3Ealert(1)%3C/script%3E"} {
		if body := d.get(path).body; strings.Contains(body, "<script>") || strings.Contains(body, "<img") || strings.Contains(body, "\x1b") {
			t.Errorf("%s lets markup or escapes through:\n%s", path, body)
		}
	}
}

func TestLogsThatAreNone(t *testing.T) {
	t.Parallel()
	d, _ := startLogging(t)
	b := open(t, d, "/tail.html?processname=quiet")
	b.connected()
	b.shows(lines + ` === "There is no log."`)
	b.navigate("/tail.html?processname=quiet&channel=stderr")
	b.connected()
	b.shows(lines + `.includes("is no file that could be shown")`)
	b.navigate("/tail.html?processname=nobody")
	b.connected()
	b.shows(`document.querySelector("#log").textContent === "ERROR: unexpected rpc fault [10] BAD_NAME: nobody"`)
}

func TestTheDaemonsOwnLog(t *testing.T) {
	t.Parallel()
	d, _ := startLogging(t)
	b := open(t, d, "/log.html")
	b.connected()
	b.shows(lines + `.includes("INFO spawned: 'nasty' with pid")`)
	d.get("/?action=stop&processname=nasty")
	b.shows(lines + `.includes("stopped: nasty")`)
	b.click(`button[name="clearmain"]`)
	b.click(`#confirm button[value="yes"]`)
	b.says("Log of supervisord cleared")
	b.shows(`!` + lines + `.includes("stopped: nasty")`)
}

func TestTheLogPageDrivesItsProgram(t *testing.T) {
	t.Parallel()
	d, _ := startLogging(t)
	b := open(t, d, "/tail.html?processname=quiet")
	b.connected()
	b.shows(`document.querySelector("#state").innerText.startsWith("running")`)
	b.perform("choose a signal", chromedp.SetValue(chromedp.CSS(`select[name="signame"]`), "CONT"))
	b.click(`button[name="signal"]`)
	b.says("Process quiet signalled with CONT")
	b.click(`button[name="stop"]`)
	b.says("Process quiet stopped")
	b.shows(`document.querySelector("#state").innerText.startsWith("stopped")`)
	b.click(`button[name="start"]`)
	b.says("Process quiet started")
	b.click(`button[name="restart"]`)
	b.says("Process quiet restarted")
	b.shows(`/iB$/.test(document.querySelector(".figures .mem .figure").textContent)`)
}
