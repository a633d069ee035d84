package web

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// longNames make the layout hard.
const longNames = programs(`
[program:a-program-with-a-name-that-somebody-took-very-seriously-indeed]
command=/bin/cat
startsecs=0
[group:wide]
programs=one,two
[program:one]
command=/bin/cat
startsecs=0
process_name=%(program_name)s_with_quite_a_long_process_name_%(process_num)05d
numprocs=2
[program:two]
command=/no/such/folder/with/a/long/path/to/a/program/that/is/missing
startretries=0
`)

func TestNarrowAndWideScreensShowEverything(t *testing.T) {
	t.Parallel()
	d := longNames.run(t)
	d.untilState("wide:two", "FATAL")
	b := open(t, d, "/")
	b.connected()
	for _, path := range []string{"/", "/tail.html?processname=wide:two", "/log.html", "/nothing"} {
		for _, width := range []int64{320, 390, 681, 700, 1000, 1041, 1300, 1381, 1920} {
			b.perform("resize", chromedp.EmulateViewport(width, 800))
			b.navigate(path)
			if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s is %d pixels wider than a screen of %d, because of\n%s", path, over, width, eval[string](b,
					`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 80)).join("\n")`))
			}
			lost := eval[string](b, `[...document.querySelectorAll("button, a, input, select")].filter((e) => {
				const box = e.getBoundingClientRect();
				const room = e.closest("table")?.getBoundingClientRect() ?? { left: 0, right: innerWidth };
				return e.offsetParent !== null && !e.classList.contains("skip") && box.width > 0 &&
					(box.left < room.left - 0.5 || box.right > room.right + 0.5);
			}).map((e) => e.outerHTML.slice(0, 80)).join("\n")`)
			if lost != "" {
				t.Errorf("%s at %d pixels has these out of sight:\n%s", path, width, lost)
			}
			overlap := eval[string](b, `[...document.querySelectorAll("tr.program")].flatMap((tr) => {
				const cells = [...tr.children].filter((td) => td.getClientRects().length).map((td) => td.getBoundingClientRect());
				return cells.flatMap((a, i) => cells.slice(i + 1).filter((b) =>
					a.left + 1 < b.right && b.left + 1 < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom).map(() => tr.dataset.name));
			}).join()`)
			if overlap != "" {
				t.Errorf("%s at %d pixels has cells one over the other, in %s", path, width, overlap)
			}
		}
	}
	b.forgive() // of the page that does not exist
}

func TestThePageIsUsableByKeyboardAndReader(t *testing.T) {
	t.Parallel()
	d := longNames.run(t)
	d.untilState("wide:two", "FATAL")
	b := open(t, d, "/")
	b.connected()
	for _, path := range []string{"/", "/tail.html?processname=wide:two"} {
		b.navigate(path)
		b.connected()
		for _, landmark := range []string{"header", "nav[aria-label]", "main", "footer", "h1", "html[lang]"} {
			if n := eval[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, landmark)); n == 0 {
				t.Errorf("%s has no %s", path, landmark)
			}
		}
		nameless := eval[string](b, `[...document.querySelectorAll("button, a[href], input:not([type=hidden]), select")].filter((e) =>
			!(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML).join("\n")`)
		if nameless != "" {
			t.Errorf("%s has controls without a name:\n%s", path, nameless)
		}
		same := eval[string](b, `Object.entries(Object.groupBy([...document.querySelectorAll("[id]")], (e) => e.id)).filter(([, es]) => es.length > 1).map(([id]) => id).join()`)
		if same != "" {
			t.Errorf("%s has several elements of the same id: %s", path, same)
		}
		// The first stop of the Tab key leads past the header; each has an outline.
		b.perform("press Tab", chromedp.KeyEvent(kb.Tab))
		b.shows(`document.activeElement.classList.contains("skip")`)
		for range 12 {
			b.perform("press Tab", chromedp.KeyEvent(kb.Tab))
			if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
				t.Errorf("%s: the focus on %s cannot be seen", path, eval[string](b, `document.activeElement.outerHTML`))
			}
		}
	}
	b.navigate("/")
	b.connected()
	// A button that disappears hands the focus to its neighbour.
	name := "a-program-with-a-name-that-somebody-took-very-seriously-indeed"
	b.perform("focus", chromedp.Focus(chromedp.CSS(`button[name="stop"][value="`+name+`"]`)))
	b.perform("press Enter", chromedp.KeyEvent(kb.Enter))
	b.says("Process " + name + " stopped")
	b.inState(name, "STOPPED")
	b.shows(`document.activeElement.value === "` + name + `" && document.activeElement.name === "start"`)
	if live := eval[string](b, `document.querySelector("#statusmessage").getAttribute("aria-live")`); live != "polite" {
		t.Errorf("messages have aria-live=%q, want polite", live)
	}
}

// contrast computes the contrast of each text on the page (WCAG 2.2, 1.4.3),
// and returns those below 4.5.
const contrast = `(() => {
	const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	const poor = new Set();
	for (const e of document.querySelectorAll("body *")) {
		if (e.offsetParent === null || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
		const style = getComputedStyle(e);
		const [a, b] = [luminance(parse(style.color)), luminance(behind(e))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) poor.add(ratio.toFixed(2) + " " + (e.className || e.tagName) + ": " + e.textContent.trim().slice(0, 30));
	}
	return [...poor].join("\n");
})()`

// inTheme makes the system's choice.
func inTheme(theme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
		})
		return chromedp.Void{}, err
	}
}

func TestTextCanBeReadInBothThemes(t *testing.T) {
	t.Parallel()
	d, write := startLogging(t)
	for i := range 8 {
		write(fmt.Sprintf("\x1b[3%dmcolour %d\x1b[9%dm and bright\x1b[0m\n", i, i, i))
	}
	d.get("/?action=stop&processname=quiet")
	for _, theme := range []string{"light", "dark"} {
		b := open(t, d, "/", inTheme(theme))
		b.connected()
		if got := eval[string](b, `getComputedStyle(document.documentElement).colorScheme`); got != theme {
			t.Errorf("the page is %s, want the system's %s", got, theme)
		}
		for _, path := range []string{"/", "/tail.html?processname=echo", "/nothing"} {
			b.navigate(path)
			b.shows(`document.readyState === "complete"`)
			if poor := eval[string](b, contrast); poor != "" {
				t.Errorf("%s in %s has texts that are hard to read:\n%s", path, theme, poor)
			}
		}
		b.forgive() // of the page that does not exist
	}
}

// screenshotsVar names the folder to write the manual's pictures to.
const screenshotsVar = "VIGILANCE_SCREENSHOTS"

// pictured programs look like somebody's.
const pictured = programs(`
[program:api]
command=DIR/busy.sh
process_name=%(program_name)s_%(process_num)02d
numprocs=3
[program:queue-worker]
command=DIR/busy.sh 3
process_name=%(program_name)s_%(process_num)02d
numprocs=2
[program:web]
command=DIR/busy.sh
[program:mailer]
command=/bin/false
startretries=0
[program:nightly-report]
command=/bin/cat
autostart=false
[program:migrate]
command=/bin/sh -c "sleep 1.2"
autorestart=false
[program:search-indexer]
command=/opt/search/bin/indexer
startretries=0
`)

// busyScript logs as web servers do, and works a little.
const busyScript = `#!/bin/bash
for ((i = 1; ; i++)); do
	case $((i % 7)) in
	2) printf '\e[33mWARN\e[0m  the queue is %d long\n' $((i * 7919 % 400)) ;;
	5) printf '\e[31mERROR\e[0m upstream answered 502 for /orders/%d, trying again\n' $((i * 7919 % 9000)) ;;
	*) printf '\e[32mINFO\e[0m  GET /orders/%d 200 in %d ms\n' $((i * 7919 % 9000)) $((i * 31 % 90)) ;;
	esac
	for ((j = 0; j < ${1:-1} * (4000 + i * 1237 % 9000); j++)); do :; done
	sleep 0.1
done
`

func TestPicturesOfThePage(t *testing.T) {
	folder := os.Getenv(screenshotsVar)
	text := strings.ReplaceAll(string(pictured), "DIR/busy.sh", t.TempDir()+"/busy.sh")
	script := strings.Split(strings.SplitAfter(text, "command=")[1], "\n")[0]
	if err := os.WriteFile(script, []byte(busyScript), 0o700); err != nil { // a script has to be executable
		t.Fatal(err)
	}
	d := programs(text).run(t)
	d.untilState("migrate", "EXITED")
	b := open(t, d, "/")
	b.connected()
	samples := 2
	if folder != "" {
		samples = 25 // most of a minute, for charts worth looking at
	}
	for n := range samples {
		b.shows(rowOf("web") + fmt.Sprintf(`.querySelector(".cpu polyline").getAttribute("points").split(" ").length > %d`, n))
	}
	for _, picture := range []struct {
		name, path, theme string
		width, height     int64
		script            string
	}{
		{"web-light", "/", "light", 1400, 800, ""},
		{"web-dark", "/", "dark", 1400, 800, ""},
		{"web-narrow", "/", "light", 390, 800, ""},
		{"web-log", "/tail.html?processname=web", "dark", 1100, 620, `(search.value = "upstream", search.dispatchEvent(new Event("input")), true)`},
	} {
		b.perform("choose the theme", inTheme(picture.theme))
		b.perform("resize", chromedp.EmulateViewport(picture.width, picture.height))
		b.navigate(picture.path)
		b.connected()
		b.shows(`[...document.querySelectorAll(".figure")].some((e) => e.textContent.endsWith("%"))`)
		eval[bool](b, `(document.querySelector(".brand-host").textContent = "web-1", true)`) // not the tester's
		if picture.script != "" {
			eval[bool](b, picture.script)
		}
		image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := png.Decode(bytes.NewReader(image))
		if err != nil || decoded.Bounds().Dx() != int(picture.width) || decoded.Bounds().Dy() != int(picture.height) {
			t.Fatalf("the picture %s is no PNG of %d by %d: %v", picture.name, picture.width, picture.height, err)
		}
		if len(image) > 200<<10 {
			t.Errorf("the picture %s has %d bytes, want at most 200 KiB", picture.name, len(image))
		}
		if folder == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, picture.name+".png"), image, 0o644); err != nil { // for everybody
			t.Fatal(err)
		}
	}
}
