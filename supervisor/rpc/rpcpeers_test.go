package rpc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// python is Debian's interpreter, which its package supervisor belongs to.
const python = "/usr/bin/python3"

// needReference skips the test where Debian's package supervisor is missing.
func needReference(t *testing.T) {
	t.Helper()
	if err := exec.Command(python, "-c", "import supervisor").Run(); err != nil {
		message := "needs Debian's package supervisor, for the Python reference: " + err.Error()
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
}

// daemon is a supervisord that can be called.
type daemon struct {
	*peer.Daemon
	client *http.Client
}

// start starts a supervisord on a unix socket, with these further sections.
func start(t *testing.T, command, sections string) *daemon {
	t.Helper()
	dir := t.TempDir()
	spec := peer.Spec{
		Command: []string{command},
		Options: "loglevel=trace",
		Config: "[unix_http_server]\nfile=%(here)s/socket\n" +
			"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n" +
			sections,
		Dir: dir,
	}
	p, err := peer.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	d := &daemon{Daemon: p, client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", p.Path("socket"))
		},
	}}}
	t.Cleanup(d.client.CloseIdleConnections)
	deadline := time.Now().Add(peer.Deadline)
	for {
		if a, err := d.post(call("system.listMethods")); err == nil && a.status == http.StatusOK {
			return d
		} else if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", command, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// pair starts the reference and ours.
func pair(t *testing.T, sections string) (theirs, ours *daemon) {
	t.Helper()
	needReference(t)
	return start(t, "/usr/bin/supervisord", sections), start(t, buildSupervisord(t), sections)
}

// answer is what a client sees.
type answer struct {
	status      int
	contentType string
	body        string
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s\n%s", a.status, a.contentType, a.body)
}

// post sends a request body.
func (d *daemon) post(body string) (answer, error) {
	resp, err := d.client.Post("http://daemon/RPC2", "text/xml", strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), d.mask(string(text))}, err
}

// What differs between two runs of the same thing.
var (
	numberPattern = regexp.MustCompile(`(<name>(?:start|stop|now|pid)</name>\n<value><int>)[1-9]\d*`)
	uptimePattern = regexp.MustCompile(`pid \d+, uptime [\d:]+`)
	datePattern   = regexp.MustCompile(`[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M`)
	autoPattern   = regexp.MustCompile(`---supervisor-[a-z0-9_]{8}\.log`)
	stampPattern  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d*`)
)

// mask replaces what differs between two runs of the same thing.
func (d *daemon) mask(text string) string {
	text = strings.ReplaceAll(text, d.Dir, "DIR")
	text = strings.ReplaceAll(text, fmt.Sprintf("<int>%d<", d.PID()), "<int>PID<")
	text = numberPattern.ReplaceAllString(text, "${1}N")
	text = uptimePattern.ReplaceAllString(text, "pid N, uptime T")
	text = datePattern.ReplaceAllString(text, "DATE")
	text = autoPattern.ReplaceAllString(text, "---supervisor-XXXXXXXX.log")
	return stampPattern.ReplaceAllString(text, "STAMP")
}

// raw is a value that is written as it stands.
type raw string

// call is the text of a call.
func call(method string, args ...any) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<?xml version='1.0'?><methodCall><methodName>%s</methodName><params>", method)
	for _, arg := range args {
		fmt.Fprintf(&b, "<param><value>%s</value></param>", encode(arg))
	}
	b.WriteString("</params></methodCall>")
	return b.String()
}

// encode is the text of an argument.
func encode(arg any) string {
	switch arg := arg.(type) {
	case raw:
		return string(arg)
	case int:
		return fmt.Sprintf("<int>%d</int>", arg)
	case bool:
		if arg {
			return "<boolean>1</boolean>"
		}
		return "<boolean>0</boolean>"
	case string:
		return "<string>" + strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(arg) + "</string>"
	case []any:
		var b strings.Builder
		b.WriteString("<array><data>")
		for _, v := range arg {
			fmt.Fprintf(&b, "<value>%s</value>", encode(v))
		}
		b.WriteString("</data></array>")
		return b.String()
	case map[string]any:
		var b strings.Builder
		b.WriteString("<struct>")
		for name, v := range arg {
			fmt.Fprintf(&b, "<member><name>%s</name><value>%s</value></member>", name, encode(v))
		}
		b.WriteString("</struct>")
		return b.String()
	}
	panic(fmt.Sprintf("encode %T: no such argument", arg))
}
