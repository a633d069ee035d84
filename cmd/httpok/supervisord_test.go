package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// A real program behind a URL that fails is restarted, once, and a mail says
// so; -a does not touch the listener itself, which superlance's would stop for
// good.
func TestUnderSupervisord(t *testing.T) {
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		var bad atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if bad.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		}))
		defer server.Close()
		daemon := checktest.Start(t, supervisord, `
[program:web]
command=sleep 1000
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0

[program:idle]
command=sleep 1000
autostart=false

[eventlistener:httpok]
command=TOOL -a -n interop -m ops@example.com --spool DIR/spool -s "cat - > DIR/mail.$$; cat DIR/mail.$$ >> DIR/mail" --failures 1 `+server.URL+`/
events=TICK_5
environment=ENV
stderr_logfile=DIR/tool.err
`)
		first, second := daemon.Running("web:web_00", 0), daemon.Running("web:web_01", 0)
		own := daemon.Running("httpok", 0)
		bad.Store(true)
		daemon.Until("a mail", func() bool { return daemon.Read("mail") != "" })
		bad.Store(false)
		daemon.Running("web:web_00", first.PID)
		daemon.Running("web:web_01", second.PID)
		if now := daemon.Running("httpok", 0); now.PID != own.PID {
			t.Errorf("httpok's pid = %d, then %d; want that -a leaves httpok alone", own.PID, now.PID)
		}
		want := "To: ops@example.com\nSubject: httpok [interop]: " + server.URL + "/: bad status returned\n\n" +
			"status contacting " + server.URL + "/: 502 Bad Gateway\nRestarting all running processes\n"
		got := daemon.Read("mail")
		if !strings.HasPrefix(got, want) {
			t.Errorf("mail = %q, want it to begin with %q", got, want)
		}
		for _, line := range []string{
			"web:web_00 is in RUNNING state, restarting\nweb:web_00 restarted\n",
			"web:web_01 is in RUNNING state, restarting\nweb:web_01 restarted",
			"idle not in RUNNING state, NOT restarting",
		} {
			if strings.Count(got, line) != 1 {
				t.Errorf("mail = %q, want %q in it once", got, line)
			}
		}
	})
}
