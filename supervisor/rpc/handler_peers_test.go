package rpc_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestAgainstTheReference compares ours with Debian's supervisord.
func TestAgainstTheReference(t *testing.T) {
	t.Parallel()
	theirs, ours := pair(t, sections)
	t.Run("methods", func(t *testing.T) { testMethods(t, theirs, ours) })
	t.Run("what is not a call", func(t *testing.T) { testNoCalls(t, theirs, ours) })
	t.Run("the log", func(t *testing.T) { testLog(t, theirs, ours) })
	t.Run("Python's clients", func(t *testing.T) { testPythonClients(t, theirs, ours) })
	t.Run("kolo's client", func(t *testing.T) { testKoloClient(t, theirs, ours) })
	t.Run("help", func(t *testing.T) { testHelp(t, theirs, ours) })
	t.Run("restart", func(t *testing.T) { testRestart(t, theirs, ours) })
	t.Run("shutdown", func(t *testing.T) { testShutdown(t, theirs, ours) })
}

// exchange sends raw bytes and returns the answer's status and body. A daemon
// that does not answer closes the connection.
func (d *daemon) exchange(t *testing.T, text string) answer {
	t.Helper()
	conn, err := net.Dial("unix", d.Path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(peer.Deadline))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(reader, nil)
	}
	if err != nil {
		return answer{body: "no answer"}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), d.mask(string(body))}
}

// noCall is a request that is no call, or is one in a way that only some
// clients have.
type noCall struct {
	name, request string
	status        int // ours, where the reference answers otherwise or not at all
}

func noCalls() []noCall {
	const getPID = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>"
	post := func(path, version, headers, body string) string {
		return fmt.Sprintf("POST %s HTTP/%s\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", path, version, len(body), headers, body)
	}
	plain := func(body string) string { return post("/RPC2", "1.1", "", body) }
	return []noCall{
		{"GET", "GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"PUT", "PUT /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 0},
		{"DELETE", "DELETE /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"no length", "POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"a slash behind", post("/RPC2/", "1.1", "", getPID), 0},
		{"any path behind", post("/RPC2/x/y?z=1", "1.1", "", getPID), 0},
		{"HTTP/1.0", post("/RPC2", "1.0", "", getPID), 0},
		{"HTTP/1.0 that keeps the connection", post("/RPC2", "1.0", "Connection: Keep-Alive\r\n", getPID), 0},
		{"expectation", post("/RPC2", "1.1", "Expect: 100-continue\r\n", getPID), 0},
		{"another content type", post("/RPC2", "1.1", "Content-Type: application/x-www-form-urlencoded\r\n", getPID), 0},
		{"chunks", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(getPID), getPID), http.StatusOK}, // 411
		{"nothing in the body", plain(""), http.StatusBadRequest}, // waits forever
		{"white space", plain(" \n"), 0},
		{"text", plain("hello"), 0},
		{"a form", plain("method=supervisor.getPID"), 0},
		{"cut short", plain("<methodCall><methodName>supervisor.getPID"), 0},
		{"not UTF-8", plain("<methodCall><methodName>\xff</methodName></methodCall>"), http.StatusBadRequest}, // closes
		{"a control character", plain("<methodCall><methodName>\x01</methodName></methodCall>"), 0},
		{"an unknown entity", plain("<methodCall><methodName>&x;</methodName></methodCall>"), 0},
		{"an own entity", plain(`<!DOCTYPE x [<!ENTITY x "supervisor.getPID">]>` +
			"<methodCall><methodName>&x;</methodName></methodCall>"), http.StatusBadRequest}, // expands it
		{"no method", plain("<methodCall></methodCall>"), 0},
		{"an empty method", plain("<methodCall><methodName/></methodCall>"), 0},
		{"two calls", plain(getPID + getPID), 0},
		{"a response", plain("<methodResponse><params/></methodResponse>"), 0},
		{"an int that is none", plain(call("supervisor.getPID", raw("<int>x</int>"))), 0},
		{"an empty int", plain(call("supervisor.getPID", raw("<int/>"))), 0},
		{"a double that is none", plain(call("supervisor.getPID", raw("<double>x</double>"))), 0},
		{"a date that is none", plain(call("supervisor.getPID", raw("<dateTime.iso8601>x</dateTime.iso8601>"))), 0},
		{"base64 that is none", plain(call("supervisor.getPID", raw("<base64>a</base64>"))), 0},
		{"base64 that is no text", plain(call("supervisor.getPID", raw("<base64>/w==</base64>"))), 0},
		{"an array without data", plain(call("supervisor.getPID", raw("<array/>"))), 0},
		{"half a member", plain(call("supervisor.getPID", raw("<struct><member><name>x</name></member></struct>"))), 0},
		{"an empty param", plain("<methodCall><methodName>supervisor.getPID</methodName><params><param/></params></methodCall>"), 0},
		{"no header", plain(getPID), 0},
		{"an untyped value", plain("<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>nothing</value></param></params></methodCall>"), 0},
		{"white space between", plain("<methodCall>\n <methodName>supervisor.getProcessInfo</methodName>\n <params>\n <param>\n <value>\n <string>nothing</string>\n </value>\n </param>\n </params>\n </methodCall>\n"), 0},
		{"a date", plain(call("supervisor.getPID", raw("<dateTime.iso8601>20261122T07:46:00</dateTime.iso8601>"))), 0},
	}
}

// testNoCalls sends what is no call.
func testNoCalls(t *testing.T, theirs, ours *daemon) {
	for _, tt := range noCalls() {
		t.Run(tt.name, func(t *testing.T) {
			got := ours.exchange(t, tt.request)
			if tt.status != 0 {
				if got.status != tt.status {
					t.Errorf("%q: got %s, want status %d", tt.request, got, tt.status)
				}
				return
			}
			if want := theirs.exchange(t, tt.request); got != want {
				t.Errorf("%q: got %s\nwant %s", tt.request, got, want)
			}
		})
	}
}

// testLog compares what both daemons log about calls.
func testLog(t *testing.T, theirs, ours *daemon) {
	var logs [2]string
	for i, d := range []*daemon{theirs, ours} {
		for _, body := range []string{
			call("supervisor.clearLog"), call("supervisor.getState"), call("supervisor.getState", 1), call("nothing"),
			call("supervisor.getProcessInfo", "no 'thing'"), "<methodCall>'\n", "<methodCall/>", call("system.listMethods"),
		} {
			if _, err := d.post(body); err != nil {
				t.Fatal(err)
			}
		}
		last := "system.listMethods() returned"
		if err := d.WaitLog(last, 1); err != nil {
			t.Fatal(err)
		}
		lines, err := d.Log()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if strings.Contains(line, "XML-RPC") && !strings.HasPrefix(line, "DEBG parse ") { // ours says why
				logs[i] += line + "\n"
			}
			if strings.Contains(line, last) {
				break
			}
		}
	}
	if logs[0] != logs[1] {
		t.Errorf("got\n%s\nwant\n%s", logs[1], logs[0])
	}
}

// testPythonClients lets xmlrpc.client and supervisor.childutils talk to both.
func testPythonClients(t *testing.T, theirs, ours *daemon) {
	var outputs [2]string
	for i, d := range []*daemon{theirs, ours} {
		cmd := exec.Command(python, "testdata/client.py", d.Path("socket"))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v against %s: %v\n%s", cmd.Args, d.Dir, err, out)
		}
		outputs[i] = d.mask(string(out))
		// With what stands before it: a pid may be a year, or a fault's number.
		outputs[i] = strings.ReplaceAll(outputs[i], fmt.Sprintf("getPID () %d\n", d.PID()), "getPID () PID\n")
		outputs[i] = regexp.MustCompile(`'(start|stop|now|pid)': [1-9]\d*`).ReplaceAllString(outputs[i], "'$1': N")
	}
	if outputs[0] != outputs[1] {
		t.Errorf("got\n%s\nwant\n%s", outputs[1], outputs[0])
	}
}

// testKoloClient decodes answers with kolo/xmlrpc, a client in Go.
func testKoloClient(t *testing.T, theirs, ours *daemon) {
	for _, c := range []struct {
		method string
		args   []any
	}{
		{"supervisor.getState", nil},
		{"supervisor.getProcessInfo", []any{"missing"}},
		{"supervisor.getProcessInfo", []any{"nothing"}},
		{"supervisor.startProcess", []any{"g:solo", true}},
		{"supervisor.stopProcessGroup", []any{"g", true}},
		{"supervisor.tailProcessStdoutLog", []any{"cat", 0, 10}},
		{"supervisor.getAllConfigInfo", nil},
		{"supervisor.reloadConfig", nil},
		{"system.listMethods", nil},
	} {
		var decoded [2]string
		for i, d := range []*daemon{theirs, ours} {
			request, err := xmlrpc.EncodeMethodCall(c.method, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.post(string(request))
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := xmlrpc.Response(a.body).Unmarshal(&v); err != nil {
				v = err.Error()
			}
			if err := xmlrpc.Response(a.body).Err(); err != nil {
				v = err.Error()
			}
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			decoded[i] = string(text)
		}
		if decoded[0] != decoded[1] || decoded[1] == "null" {
			t.Errorf("%s%q = %s, want %s", c.method, c.args, decoded[1], decoded[0])
		}
	}
}

// testHelp compares the tags of methodHelp, which clients read; the sentences
// are our own.
func testHelp(t *testing.T, theirs, ours *daemon) {
	tag := regexp.MustCompile(`(?m)^\s*@(\S+)[ \t]*(\S*)[ \t]*(\S*)`)
	tags := func(d *daemon, m string) string {
		a, err := d.post(call("system.methodHelp", m))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, found := range tag.FindAllStringSubmatch(a.body, -1) {
			if found[1] == "return" {
				found[3] = "" // a result's name is a word of the sentence
			}
			all = append(all, strings.Join(found[1:], " "))
		}
		return strings.Join(all, ", ")
	}
	for _, m := range strings.Fields(methodNames) {
		if got, want := tags(ours, m), tags(theirs, m); got != want {
			t.Errorf("the help of %s has the tags %s; want %s", m, got, want)
		}
	}
}

// testRestart restarts both daemons, which then answer again with the same pid.
func testRestart(t *testing.T, theirs, ours *daemon) {
	restart := step{call: call("supervisor.restart")}
	if want, got := restart.take(t, theirs, ours); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	for _, d := range []*daemon{theirs, ours} {
		deadline := time.Now().Add(peer.Deadline)
		for ; ; <-time.After(20 * time.Millisecond) {
			// The calls before have stopped it; the restart starts it again.
			a, err := d.post(call("supervisor.getProcessInfo", "cat"))
			if err == nil && strings.Contains(a.body, "RUNNING") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not answer after its restart: %v, %v", d.Dir, a, err)
			}
		}
		if a, err := d.post(call("supervisor.getPID")); err != nil || !strings.Contains(a.body, "<int>PID<") {
			t.Errorf("getPID after the restart: got %v, %v; want the same pid", a, err)
		}
	}
}

// testShutdown calls methods while the daemons wait for a process to end.
func testShutdown(t *testing.T, theirs, ours *daemon) {
	for _, s := range []step{
		{call: call("supervisor.startProcess", "stubborn")},
		{call: call("supervisor.readProcessStdoutLog", "stubborn", 0, 0), until: "deaf"},
	} {
		if want, got := s.take(t, theirs, ours); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	var all []step
	all = append(all, step{call: call("supervisor.shutdown")})
	for _, args := range [][]any{{}, {"stubborn"}, {0, 0}, {"stubborn", "x"}, {"stubborn", 0, 0}} {
		for _, m := range strings.Fields(methodNames) {
			all = append(all, step{call: call(m, args...)})
		}
	}
	all = append(all,
		step{call: call("nothing")},
		step{call: call("system.multicall", []any{map[string]any{"methodName": "supervisor.getState"}})},
	)
	for _, s := range all {
		if strings.Contains(s.call, "system.methodHelp") || strings.Contains(s.call, "system.multicall</methodName><params><param><value><string>") {
			continue // our own words, and the reference's status 500
		}
		if want, got := s.take(t, theirs, ours); got != want {
			t.Errorf("%s\ngot %s\nwant %s", s.call, got, want)
		}
	}
	for _, d := range []*daemon{theirs, ours} {
		for _, pid := range d.Running("/bin/sh -c trap '' TERM; echo deaf; while :; do sleep 0.1; done") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if status, err := d.WaitExit(); err != nil || status != 0 {
			t.Errorf("shutdown: got status %d, %v; want 0", status, err)
		}
	}
}
