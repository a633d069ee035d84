package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func TestOriginOfReadsTheBrowsersMarks(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		want    origin
	}{
		{"curl", []string{"User-Agent: curl/8.0"}, originScript},
		{"nothing at all", nil, originScript},
		{"PowerShell says Mozilla but no language", []string{"User-Agent: Mozilla/5.0 (Windows NT) PowerShell/5.1"}, originScript},
		{"own page", []string{"Sec-Fetch-Site: same-origin"}, originOwn},
		{"bookmark", []string{"Sec-Fetch-Site: none"}, originOwn},
		{"other site", []string{"Sec-Fetch-Site: cross-site"}, originForeign},
		{"sibling site", []string{"Sec-Fetch-Site: same-site"}, originForeign},
		{"a mark of the future", []string{"Sec-Fetch-Site: elsewhere"}, originForeign},
		{"own origin", []string{"Origin: http://super.example:9001"}, originOwn},
		{"own origin in capitals", []string{"Origin: http://SUPER.example:9001"}, originOwn},
		{"other origin", []string{"Origin: http://evil.example"}, originForeign},
		{"other port", []string{"Origin: http://super.example:9002"}, originForeign},
		{"hidden origin", []string{"Origin: null"}, originForeign},
		{"own referer", []string{"Referer: http://super.example:9001/index.html"}, originOwn},
		{"other referer", []string{"Referer: http://evil.example/page"}, originForeign},
		{"a referer that names us in its path", []string{"Referer: http://evil.example/super.example:9001"}, originForeign},
		{"a referer that names us as its user", []string{"Referer: http://super.example:9001@evil.example/"}, originForeign},
		{"not an address", []string{"Referer: ://"}, originForeign},
		{"Sec-Fetch-Site counts before Origin", []string{"Sec-Fetch-Site: cross-site", "Origin: http://super.example:9001"}, originForeign},
		{"through a proxy", []string{"Origin: https://public.example", "X-Forwarded-Host: public.example"}, originOwn},
		{"through two proxies", []string{"Origin: https://public.example", "X-Forwarded-Host: public.example, inner"}, originOwn},
		{"browser on plain HTTP, without a referer", []string{firefox, "Accept-Language: de"}, originUnknown},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://super.example:9001/index.html?action=stopall", nil)
		for _, h := range c.headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		if got, mark := originOf(r); got != c.want || (mark != "") != (c.want == originForeign) {
			t.Errorf("%s: originOf(%v) = %d (%q), want %d", c.name, c.headers, got, mark, c.want)
		}
	}
}

func TestCleanPrefixTakesPlainPathsOnly(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "/": "", "/a": "/a", "a/b/": "/a/b", "//evil.example": "/evil.example", "/a//b": "",
		"/a;x": "", "/a\r\nSet-Cookie: x": "", "/a b": "", "javascript:1": "",
	} {
		if got := cleanPrefix(in); got != want {
			t.Errorf("cleanPrefix(%q) = %q, want %q", in, got, want)
		}
	}
}

const oneCat = programs("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n")

func TestActionsOfOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	pid := d.get("/").body
	for _, c := range []struct {
		name, method, path string
		form               url.Values
		headers            []string
		want               int
		says               string
	}{
		{"link from another site", "GET", "/index.html?action=stopall", nil, []string{"Sec-Fetch-Site: cross-site"}, 403, "came from another site"},
		{"picture on another site", "GET", "/index.html?processname=cat&action=stop", nil, []string{"Referer: http://evil.example/"}, 403, "Referer: http://evil.example/"},
		{"form of another site", "POST", "/index.html", url.Values{"action": {"stopall"}}, []string{"Origin: http://evil.example"}, 403, "another site"},
		{"form with a guessed token", "POST", "/do", url.Values{"stop": {"*"}, "token": {"AAAA"}}, []string{asBrowser}, 403, "out of date"},
		{"form without a token", "POST", "/do", url.Values{"stop": {"*"}}, []string{asBrowser}, 403, "out of date"},
		{"form of another site with a token", "POST", "/do", url.Values{"stop": {"*"}, "token": {d.token()}}, []string{"Sec-Fetch-Site: same-site"}, 403, "another site"},
		{"page loaded in advance", "GET", "/?action=stopall", nil, []string{"Sec-Purpose: prefetch;prerender", "Sec-Fetch-Site: none"}, 403, "in advance"},
		{"browser that does not tell", "GET", "/?action=stopall", nil, []string{firefox, "Accept-Language: de"}, 200, "Please confirm"},
		{"GET of the buttons' address", "GET", "/do?stop=*", nil, nil, 405, ""},
		{"unknown action", "GET", "/?action=format&processname=cat", nil, nil, 400, "not understood"},
		{"action without a name", "GET", "/?action=stop", nil, nil, 400, "not understood"},
		{"form that names nothing", "POST", "/do", url.Values{"token": {d.token()}}, []string{asBrowser}, 400, "not understood"},
		{"form that is too long", "POST", "/do", url.Values{"stop": {strings.Repeat("x", maxForm)}}, []string{asBrowser}, 400, "not understood"},
	} {
		a := d.ask(c.method, c.path, c.form, c.headers...)
		if a.status != c.want || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %s %s %v = %d, want %d and %q; the answer:\n%s", c.name, c.method, c.path, c.headers, a.status, c.want, c.says, a.body)
		}
	}
	for name, state := range d.states() {
		if state != "RUNNING" {
			t.Errorf("%s is %s after all that, want RUNNING", name, state)
		}
	}
	if n := strings.Count(d.read("supervisord.log"), "spawned: 'cat'"); n != 1 {
		t.Errorf("cat was started %d times, want once; the page before was:\n%s", n, pid)
	}
	if log := d.read("supervisord.log"); !strings.Contains(log, "came from another site ('Referer: http://evil.example/')") {
		t.Errorf("the log does not tell of the refusals:\n%s", log)
	}
}

func TestAConfirmedLinkActs(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	a := d.ask("GET", "/?action=stop&processname=cat", nil, firefox, "Accept-Language: de")
	if a.status != 200 || !strings.Contains(a.body, `name="action" value="stop"`) || !strings.Contains(a.body, `name="processname" value="cat"`) {
		t.Fatalf("the link's answer = %d, want a form:\n%s", a.status, a.body)
	}
	form := url.Values{"action": {"stop"}, "processname": {"cat"}, "token": {d.token()}}
	a = d.ask("POST", "/index.html", form, firefox, "Accept-Language: de")
	if a.message() != "Process cat stopped" {
		t.Errorf("the form's message = %q (status %d), want that cat is stopped", a.message(), a.status)
	}
}

func TestAnswersAreHardened(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	for _, path := range []string{"/", "/tail.html?processname=cat", "/log.html", "/nothing", "/assets/style.css", "/?action=stop"} {
		a := d.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Frame-Options":         "DENY",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s of %s = %q, want %q", name, path, got, want)
			}
		}
	}
	cookie := d.get("/").header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/;"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("Set-Cookie = %q, want %s", cookie, want)
		}
	}
}

func TestTheTokenIsTheSessionsOwn(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	mine := d.token()
	if again := d.token(); again != mine {
		t.Errorf("the token changes within a session: %q and %q", mine, again)
	}
	other := d.get("/").body
	if strings.Contains(other, mine) {
		t.Error("another session has the same token")
	}
}

func TestNothingIsServedWithoutThePassword(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	d := oneCat.runWith(t, path, "username=operator", "password=secret")
	for _, c := range []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/index.html?action=stopall"}, {"POST", "/do"}, {"GET", "/live"}, {"GET", "/tail.html?processname=cat"},
		{"GET", "/log.html"}, {"GET", "/assets/style.css"}, {"GET", "/ok.html"}, {"GET", "/nothing"},
	} {
		if a := d.ask(c.method, c.path, nil); a.status != http.StatusUnauthorized || strings.Contains(a.body, "token") {
			t.Errorf("%s %s without a password = %d, want 401", c.method, c.path, a.status)
		}
	}
	right := "Authorization: Basic b3BlcmF0b3I6c2VjcmV0"
	if a := d.ask("GET", "/", nil, right); a.status != http.StatusOK {
		t.Errorf("GET / with the password = %d, want 200", a.status)
	}
	if a := d.ask("GET", "/?action=stopall", nil, right, "Sec-Fetch-Site: cross-site"); a.status != http.StatusForbidden {
		t.Errorf("another site's request with the password = %d, want 403", a.status)
	}
}

func TestPathsThatNothingHas(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	for _, path := range []string{
		"/assets/", "/assets/index.html", "/assets/../web.go", "/assets/%2e%2e/web.go", "/..%2f..%2fetc/passwd",
		"/tail.html/x", "/index.html/", "/favicon.ico", "/a/b/c",
	} {
		if a := d.get(path); a.status != 404 {
			t.Errorf("GET %s = %d, want 404", path, a.status)
		}
	}
	if a := d.get("/a/b/c"); !strings.Contains(a.body, `href="../../assets/style.css"`) {
		t.Errorf("the answer to /a/b/c does not find its style:\n%s", a.body)
	}
	for _, c := range []struct{ method, path string }{{"PUT", "/"}, {"DELETE", "/index.html"}, {"POST", "/log.html"}, {"POST", "/assets/style.css"}, {"POST", "/live"}} {
		if a := d.ask(c.method, c.path, nil); a.status != 405 {
			t.Errorf("%s %s = %d, want 405", c.method, c.path, a.status)
		}
	}
}
