package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/test/peer"
)

// overUnix is the configuration of a daemon that clients reach by a socket in
// its folder.
const overUnix = "[unix_http_server]\nfile=%(here)s/rpc.sock\n" + rpcSections

// rpcSections are what a daemon with a server needs besides, and how
// supervisorctl finds it.
const rpcSections = "[rpcinterface:supervisor]\n" +
	"supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
	"[supervisorctl]\nserverurl=unix://%(here)s/rpc.sock\n"

// caller calls a daemon by kolo/xmlrpc, a client of Go programs.
type caller struct {
	client *http.Client
	url    string
}

// callUnix returns a caller by the daemon's socket.
func callUnix(d *peer.Daemon) *caller {
	return &caller{url: "http://localhost/RPC2", client: &http.Client{
		Timeout: peer.Deadline,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", d.Path("rpc.sock"))
		}},
	}}
}

// do calls a method and returns its result: a Go value, or what kolo's client
// makes of a fault.
func (c *caller) do(method string, args ...any) (any, error) {
	request, err := xmlrpc.NewRequest(c.url, method, args)
	if err != nil {
		return nil, err
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("call %s: %s", method, answer.Status)
	}
	response := xmlrpc.Response(body)
	if err := response.Err(); err != nil {
		return nil, err
	}
	var result any
	if err := response.Unmarshal(&result); err != nil {
		return nil, fmt.Errorf("call %s: %w", method, err)
	}
	return result, nil
}

// text calls a method and returns what a test can compare: the result as JSON,
// or the fault. Anything but an answer is an error.
func (c *caller) text(method string, args ...any) (string, error) {
	result, err := c.do(method, args...)
	if fault, ok := err.(xmlrpc.FaultError); ok { //nolint:errorlint // kolo returns it as it is
		return fault.Error(), nil
	}
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

// call is one call of a conversation.
type call struct {
	method string
	args   []any
}

// converse makes the calls one after the other, and writes each with its answer
// to the file out/answers.
func (c *caller) converse(d *peer.Daemon, calls ...call) error {
	file, err := os.OpenFile(d.Path("out/answers"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for _, one := range calls {
		answer, err := c.text(one.method, one.args...)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(file, "%s%.40q = %s\n", one.method, one.args, answer); err != nil {
			return err
		}
	}
	return nil
}

// waitAnswering waits until the daemon's socket takes connections.
func waitAnswering(d *peer.Daemon) error {
	return poll("the daemon's socket", func() bool {
		conn, err := net.DialTimeout("unix", d.Path("rpc.sock"), time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}
