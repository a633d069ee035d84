package web

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// comparedPrograms end up in different states under both daemons.
const comparedPrograms = programs(`
[program:cat]
command=/bin/cat
startsecs=0
[program:idle]
command=/bin/cat
startsecs=0
autostart=false
[program:missing]
command=/no/such/file
startretries=0
[program:folder]
command=/etc
autostart=false
[program:dies]
command=/bin/false
startretries=0
autostart=false
[program:talks]
command=/bin/sh -c "echo one two; echo three >&2; exec cat"
startsecs=0
[program:group]
command=/bin/cat
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
[program:nolog]
command=/bin/cat
stdout_logfile=NONE
startsecs=0
`)

// masked hides what differs from run to run.
func masked(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DIR")
	text = regexp.MustCompile(`pid \d+, uptime [0-9:]+`).ReplaceAllString(text, "pid N, uptime T")
	return regexp.MustCompile(`\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}`).ReplaceAllString(text, "TIME")
}

// shownRows takes a list apart as a scraper does that looks for Supervisor's
// classes and links: a line for each program.
func shownRows(page string) []string {
	var rows []string
	status := regexp.MustCompile(`<span class="(status\w+)">(\w+)</span>`)
	for _, tr := range strings.Split(page, "<tr")[1:] {
		tr, _, _ = strings.Cut(tr, "</tr>")
		st := status.FindStringSubmatch(tr)
		if st == nil {
			continue
		}
		cells := regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`).FindAllStringSubmatch(tr, -1)
		text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(cells[1][1], "")
		row := []string{st[1], st[2], html.UnescapeString(text)}
		for _, a := range regexp.MustCompile(`<a [^>]*>[^<]*</a>`).FindAllString(tr, -1) {
			href := regexp.MustCompile(`href="([^"]*)"`).FindStringSubmatch(a)
			name := regexp.MustCompile(`>([^<]*)<`).FindStringSubmatch(a)
			if href != nil && href[1] != "#" { // which the reference's style hides
				row = append(row, html.UnescapeString(href[1])+" "+name[1])
			}
		}
		rows = append(rows, strings.Join(row, " | "))
	}
	return rows
}

// shownTail is the text of tail.html.
func shownTail(page string) string {
	m := regexp.MustCompile(`(?s)<pre[^>]*>(.*?)</pre>`).FindStringSubmatch(page)
	title := regexp.MustCompile(`<title>(.*?)</title>`).FindStringSubmatch(page)
	if m == nil || title == nil {
		return "no tail:\n" + page
	}
	refresh := "no refresh"
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(href[1], "limit=1") || strings.Contains(href[1], "limit=2") {
			refresh = html.UnescapeString(href[1])
		}
	}
	return title[1] + "\n" + refresh + "\n" + html.UnescapeString(m[1])
}

func TestPagesAndMessagesAreSupervisors(t *testing.T) {
	t.Parallel()
	reference := comparedPrograms.runWith(t, peer(t, "/usr/bin/supervisord", "supervisor"))
	ours := comparedPrograms.run(t)
	for _, d := range []*daemon{reference, ours} {
		d.until("all programs have settled", func() bool {
			rows := strings.Join(shownRows(d.get("/").body), "\n")
			return strings.Count(rows, "| running |") == 5 && strings.Count(rows, "| fatal |") == 1
		})
		d.until("talks has spoken", func() bool {
			return strings.Contains(d.get("/tail.html?processname=talks").body, "two")
		})
	}
	list := func(when string) {
		t.Helper()
		got, want := shownRows(masked(ours.get("/").body, ours.dir)), shownRows(masked(reference.get("/").body, reference.dir))
		if !slices.Equal(got, want) {
			t.Errorf("the list %s:\n got %s\nwant %s", when, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	list("at first")
	for _, path := range []string{
		"/index.html?action=refresh",
		"/?action=refresh",
		"/index.html?processname=cat&action=start",
		"/index.html?processname=cat&action=stop",
		"/index.html?processname=cat&action=stop",
		"/index.html?processname=cat&action=start",
		"/index.html?processname=cat&action=restart",
		"/index.html?processname=idle&action=restart",
		"/index.html?processname=idle&action=clearlog",
		"/index.html?processname=cat&action=clearlog",
		"/index.html?processname=missing&action=start",
		"/index.html?processname=missing&action=stop",
		"/index.html?processname=folder&action=start",
		"/index.html?processname=dies&action=start",
		"/index.html?processname=dies&action=restart",
		"/index.html?processname=nobody&action=start",
		"/index.html?processname=nobody:x&action=restart",
		"/index.html?processname=group:*&action=stop",
		"/index.html?processname=group%3Agroup_01&action=stop",
		"/index.html?processname=group:group_00&action=stop&processname=cat",
		"/index.html?processname=" + pyQuote("<b>ö & co</b>") + "&action=stop",
		"/index.html?action=stopall&processname=cat",
		"/index.html?action=restartall",
	} {
		got, want := ours.get(path), reference.get(path)
		if got.status != want.status || masked(got.message(), ours.dir) != masked(want.message(), reference.dir) {
			t.Errorf("GET %s:\n got %d %q\nwant %d %q", path, got.status, got.message(), want.status, want.message())
		}
		if _, query, _ := strings.Cut(got.header.Get("Location"), "?"); !strings.HasSuffix(masked2(want.header.Get("Location")), "?"+masked2(query)) {
			t.Errorf("GET %s leads to %q, want the query of %q", path, got.header.Get("Location"), want.header.Get("Location"))
		}
	}
	list("after all actions")
	for _, path := range []string{
		"/tail.html",
		"/tail.html?processname=talks",
		"/tail.html?processname=talks&limit=20",
		"/tail.html?processname=talks&limit=2000",
		"/tail.html?processname=talks&limit=x",
		"/tail.html?processname=talks&limit=",
		"/tail.html?processname=group:group_00",
		"/tail.html?processname=nobody",
		"/tail.html?processname=group",
		"/tail.html?processname=nolog",
		"/tail.html?processname=..%2F..%2Fetc%2Fpasswd",
	} {
		got, want := ours.get(path), reference.get(path)
		if a, b := shownTail(masked(got.body, ours.dir)), shownTail(masked(want.body, reference.dir)); a != b || got.status != want.status {
			t.Errorf("GET %s:\n got %d %s\nwant %d %s", path, got.status, a, want.status, b)
		}
	}
	got, want := ours.get("/?message=a%20%3Cb%3E"), reference.get("/?message=a%20%3Cb%3E")
	message := regexp.MustCompile(`class="status_msg"[^>]*>(?:<span>)?([^<]*)<`)
	if a, b := message.FindStringSubmatch(got.body), message.FindStringSubmatch(want.body); a == nil || b == nil || html.UnescapeString(a[1]) != html.UnescapeString(b[1]) {
		t.Errorf("the message on the page = %q, want %q", a, b)
	}
	if a, b := ours.get("/ok.html"), reference.get("/ok.html"); a.body != b.body || a.header.Get("Content-Type") != b.header.Get("Content-Type") {
		t.Errorf("ok.html = %q (%s), want %q (%s)", a.body, a.header.Get("Content-Type"), b.body, b.header.Get("Content-Type"))
	}
}

// masked2 is masked for the time in an address.
func masked2(address string) string {
	return regexp.MustCompile(`\w{3}%20\w{3}%20(%20)?\d+%20\d\d%3A\d\d%3A\d\d%20\d{4}`).ReplaceAllString(address, "TIME")
}
