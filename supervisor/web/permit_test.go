package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// legacyActions are those of Supervisor's links. They are only read.
var legacyActions = []string{"refresh", "start", "stop", "restart", "clearlog", "stopall", "restartall"}

// TestEveryActionHasARole takes the actions from the lists by which forms are
// read, so that one that nobody has decided on fails.
func TestEveryActionHasARole(t *testing.T) {
	for _, name := range append(append([]string{}, doNames...), legacyActions...) {
		if needs(name) == config.RoleNone {
			t.Errorf("needs(%q) = nobody, want a role", name)
		}
	}
	if got := needs("format"); got != config.RoleNone {
		t.Errorf("needs of an unknown action = %v, want that it is for nobody", got)
	}
}

// people are the users of the daemon of this file's tests, with their roles.
// They are only read.
var people = map[string]config.Role{
	"olga": config.RoleObserver, "otto": config.RoleOperator, "anna": config.RoleAdmin, "root": config.RoleAdmin,
}

// staffed starts a daemon that these people can use.
func staffed(t *testing.T) *daemon {
	t.Helper()
	text := "[supervisord]\naudit_logfile=DIR/audit.log\n"
	for name, role := range people {
		if name != "root" { // who is the server's own
			text += fmt.Sprintf("[user:%s]\npassword=%s\nrole=%s\n", name, name, role)
		}
	}
	return programs(text+"[program:cat]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=DIR/cat.log\n").
		runWith(t, mustBinary(t), "username=root", "password=root")
}

func mustBinary(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func authorization(name string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+name))
}

// TestEveryPageAndActionInEveryRole drives the page of a real daemon as each of
// its users.
func TestEveryPageAndActionInEveryRole(t *testing.T) {
	t.Parallel()
	d := staffed(t)
	for name, role := range people {
		who := authorization(name)
		for _, path := range []string{"/", "/index.html", "/tail.html?processname=cat", "/log.html", "/ok.html", "/assets/style.css", "/metrics"} {
			if a := d.ask("GET", path, nil, who); a.status != http.StatusOK {
				t.Errorf("GET %s as %s: got %d, want 200", path, name, a.status)
			}
		}
		page := d.ask("GET", "/", nil, who, asBrowser).body
		if want := fmt.Sprintf(`data-role="%v"`, role); !strings.Contains(page, want) {
			t.Errorf("the page of %s does not say %s", name, want)
		}
		token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page)[1]
		for _, what := range doNames {
			form := url.Values{what: {"nothing"}, "signame": {"HUP"}, "token": {token}}
			a := d.ask("POST", "/do", form, who, asBrowser, "Accept: application/json")
			checkAction(t, name+" posts "+what, a, role >= needs(what), http.StatusOK)
		}
		for _, action := range legacyActions {
			a := d.ask("GET", "/index.html?processname=nothing&action="+action, nil, who, asBrowser)
			checkAction(t, name+" follows the link "+action, a, role >= needs(action), http.StatusMovedPermanently)
		}
	}
	d.checkAudit()
}

// checkAction compares an answer with what the role allows.
func checkAction(t *testing.T, what string, a answer, permitted bool, status int) {
	t.Helper()
	if !permitted {
		status = http.StatusForbidden
	}
	if a.status != status || !permitted && !strings.Contains(a.body, "You may not do this") {
		t.Errorf("%s: got %d %q, want %d", what, a.status, a.body[:min(300, len(a.body))], status)
	}
}

// checkAudit reads what TestEveryPageAndActionInEveryRole has left in the audit
// log: a line for each action but refresh, and none for a page.
func (d *daemon) checkAudit() {
	d.t.Helper()
	d.ask("GET", "/", nil, authorization("eve")) // a wrong password
	want := len(people)*(len(doNames)+len(legacyActions)-1) + 1
	var log string
	d.until(fmt.Sprintf("the audit log has %d lines", want), func() bool {
		log = d.read("audit.log")
		return strings.Count(log, "\n") == want
	})
	for _, line := range []string{
		` INFO user=otto role=operator remote=127\.0\.0\.1:\d+ server=inet_http_server call=web\.signal name=nothing signal=HUP outcome=failed error="No such process named nothing"`,
		` WARN user=olga role=observer remote=127\.0\.0\.1:\d+ server=inet_http_server call=web\.stopall name=nothing outcome=refused`,
		` INFO user=root role=admin remote=127\.0\.0\.1:\d+ server=inet_http_server call=web\.reread name=nothing outcome=done`,
		` WARN user=- role=nobody remote=127\.0\.0\.1:\d+ server=inet_http_server call=login as=eve outcome=refused`,
	} {
		if !regexp.MustCompile("(?m)" + line + "$").MatchString(log) {
			d.t.Errorf("the audit log lacks %s:\n%s", line, log)
		}
	}
}

// TestUsersOpenNoServer: a user makes every inet server ask for a password, and
// a wrong one or none gets nothing.
func TestUsersOpenNoServer(t *testing.T) {
	t.Parallel()
	d := programs("[user:olga]\npassword=olga\nrole=observer\n[program:cat]\ncommand=/bin/cat\n").runWith(t, mustBinary(t))
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{nil, 401}, {[]string{authorization("root")}, 401}, {[]string{"Authorization: Basic b2xnYTpvbGc="}, 401}, {[]string{authorization("olga")}, 200},
	} {
		if a := d.ask("GET", "/", nil, c.headers...); a.status != c.want {
			t.Errorf("GET / with %q: got %d, want %d", c.headers, a.status, c.want)
		}
	}
}

// TestABrowserThatIsReboundOnlyLooks calls an open server by a stranger's name,
// as a page does that has pointed its own name to this machine.
func TestABrowserThatIsReboundOnlyLooks(t *testing.T) {
	t.Parallel()
	d := oneCat.run(t)
	d.untilState("cat", "RUNNING")
	name := "evil.example" + d.url[strings.LastIndexByte(d.url, ':'):]
	rebound := []string{"Host: " + name, "Accept-Language: de", "User-Agent: curl/8"}
	page := d.ask("GET", "/", nil, rebound...)
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page.body)
	if page.status != 200 || token == nil {
		t.Fatalf("GET / = %d, want the page", page.status)
	}
	withOrigin := append([]string{"Origin: http://" + name}, rebound...)
	if a := d.ask("POST", "/do", url.Values{"stop": {"*"}, "token": {token[1]}}, withOrigin...); a.status != 403 || !strings.Contains(a.body, "allowed_hosts") {
		t.Errorf("POST /do = %d, want 403 and the option that helps:\n%s", a.status, a.body)
	}
	if a := d.ask("GET", "/?action=stopall", nil, rebound...); a.status != 403 {
		t.Errorf("GET of a link that acts = %d, want 403", a.status)
	}
	if a := d.ask("GET", "/?action=stop&processname=cat", nil, "Host: "+name); a.message() != "Process cat stopped" {
		t.Errorf("the same from a script: got %q, want that cat is stopped", a.message())
	}
	proxied := []string{"Host: ops.example.com", "Accept-Language: de", "Sec-Fetch-Site: same-origin"}
	if a := d.ask("GET", "/?action=start&processname=cat", nil, proxied...); a.message() != "Process cat started" {
		t.Errorf("a browser behind a proxy: got %q, want that cat is started", a.message())
	}
	if log := d.read("supervisord.log"); strings.Count(log, "call [inet_http_server] 'evil.example' only look") != 1 {
		t.Errorf("the log does not say once what happens to the browser:\n%s", log)
	}
}
