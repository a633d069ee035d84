package main

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// failing is a web server that answers each path once as the path says, from the
// moment at which it is broken, and well otherwise.
type failing struct {
	mu     sync.Mutex
	broken bool
	had    map[string]bool // which paths
	done   map[string]bool // of those, which have been answered
}

func (f *failing) breakDown() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
}

// turn tells whether it is time to fail.
func (f *failing) turn(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fail := f.broken && !f.had[path]
	f.had[path] = f.had[path] || fail
	return fail
}

// answered tells whether a path has had its answer.
func (f *failing) answered(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done[path]
}

// ServeHTTP implements http.Handler.
func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.done[r.URL.Path] = f.had[r.URL.Path]
	}()
	if f.turn(r.URL.Path) {
		switch path.Dir(r.URL.Path) {
		case "/500":
			w.WriteHeader(http.StatusInternalServerError)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/slow":
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
		case "/empty":
			return
		}
	}
	_, _ = w.Write([]byte("it works"))
}

// Each option does, and mails, what superlance 2.0 does, under both
// supervisords. -a, which would restart all the other listeners, is in
// TestUnderSupervisord.
func TestOptionsAreSuperlances(t *testing.T) {
	checktest.Superlance(t, func(t *testing.T) checktest.OptionTest {
		web := &failing{had: map[string]bool{}, done: map[string]bool{}}
		server := httptest.NewServer(web)
		t.Cleanup(server.Close)
		const end = "web_NAME is in RUNNING state, restarting\nweb_NAME restarted"
		mail := func(name, status, what string) string {
			return "To: ops@example.com\nSubject: httpok" + name + ": " + server.URL + status + ": bad status returned\n\n" +
				what + "\nRestarting selected processes ['web_NAME']\n" + end
		}
		bad := "status contacting " + server.URL + "/500/NAME: 500 Internal Server Error"
		own := []string{"web_NAME"}
		o := checktest.OptionTest{
			Tool: "httpok", Events: "TICK_5", Generic: regexp.MustCompile(`(?m) \d+$`),
			Programs: "[program:idle]\ncommand=sleep 1000\nautostart=false\n\n[program:two]\ncommand=sleep 1000\nstartsecs=0\n\n[group:pair]\nprograms=two\n",
			Options: []checktest.Option{
				{Name: "program", Args: "-p web_NAME -m ops@example.com CATCH URL/500/NAME", Mails: []string{mail("", "/500/NAME", bad)}, Restarts: own},
				{Name: "group", Args: "-p idle -p pair:two -p gone -m ops@example.com CATCH URL/500/NAME", Restarts: []string{"pair:two"}, Mails: []string{
					"To: ops@example.com\nSubject: httpok: " + server.URL + "/500/NAME: bad status returned\n\n" + bad +
						"\nRestarting selected processes ['idle', 'pair:two', 'gone']\nidle not in RUNNING state, NOT restarting\n" +
						"pair:two is in RUNNING state, restarting\npair:two restarted\nPrograms not restarted because they did not exist: ['gone']",
				}},
				{Name: "core", Args: `-p web_NAME -d DIR/cores -g "echo wrote" -m ops@example.com CATCH URL/500/NAME`, Restarts: own, Mails: []string{
					strings.TrimSuffix(mail("", "/500/NAME", bad), end) + "gcore output for web_NAME:\n\n wrote DIR/cores/web_NAMEX\n\n" + end,
				}},
				{Name: "timeout", Args: "-p web_NAME -t 1 -m ops@example.com CATCH URL/slow/NAME", Restarts: own,
					Mails: []string{mail("", "/slow/NAME", "error contacting "+server.URL+"/slow/NAME:\n\n timed out")}},
				{Name: "patient", Args: "-p web_NAME -m ops@example.com CATCH URL/slow/NAME"},
				{Name: "code", Args: "-p web_NAME -c 200 -c 204 -m ops@example.com CATCH URL/204/NAME"},
				{Name: "nocode", Args: "-p web_NAME -m ops@example.com CATCH URL/204/NAME", Restarts: own,
					Mails: []string{mail("", "/204/NAME", "status contacting "+server.URL+"/204/NAME: 204 No Content")}},
				{Name: "body", Args: "-p web_NAME -b works -m ops@example.com CATCH URL/200/NAME", Mended: "with Python 3 it ends at its first check"},
				{Name: "nobody", Args: "-p web_NAME -b works -m ops@example.com CATCH URL/empty/NAME", Restarts: own,
					Mended: "with Python 3 it ends at its first check",
					Mails: []string{strings.Replace(mail("", "/empty/NAME", "status contacting "+server.URL+"/empty/NAME: 200 OK"),
						"bad status", "bad body", 1)}},
				{Name: "nomail", Args: "-p web_NAME CATCH URL/500/NAME", Restarts: own},
				{Name: "eager", Args: "-p idle -E -e -m ops@example.com CATCH URL/500/NAME", Mails: []string{
					"To: ops@example.com\nSubject: httpok: " + server.URL + "/500/NAME: bad status returned\n\n" + bad +
						"\nRestarting selected processes ['idle']\nidle not in RUNNING state, NOT restarting",
				}},
				{Name: "lazy", Args: "-p idle -E -m ops@example.com CATCH URL/500/NAME"},
				{Name: "named", Args: "-p web_NAME -n shop -m ops@example.com CATCH URL/500/NAME", Mails: []string{mail(" [shop]", "/500/NAME", bad)}, Restarts: own},
				{Name: "long", Args: "--program=web_NAME --timeout=5 --code=200 --email=ops@example.com --gcore=echo --coredir=DIR --not-eager --eager --name=shop " +
					`--sendmail_program="cat >DIR/NAME.$$.part && mv DIR/NAME.$$.part DIR/NAME.$$.mail" URL/500/NAME`,
					Restarts: own, Mails: []string{strings.TrimSuffix(mail(" [shop]", "/500/NAME", bad), end) +
						"gcore output for web_NAME:\n\n DIR/web_NAMEX\n\n" + end}},
			},
			Begin: func(*checktest.Real) { web.breakDown() },
			Done:  func() bool { return web.answered("/slow/patient") && web.answered("/204/code") },
		}
		for i, option := range o.Options {
			o.Programs += "\n[program:web_" + option.Name + "]\ncommand=sleep 1000\nstartsecs=0\n"
			o.Options[i].Args = strings.ReplaceAll(option.Args, "URL", server.URL)
		}
		return o
	})
}
