package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// rpcClient calls methods over one kept connection and looks no further into
// the answer than for a fault.
type rpcClient struct{ http *http.Client }

func newRPCClient(socket string) *rpcClient {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &rpcClient{&http.Client{
		Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 1, DisableCompression: true},
		Timeout:   patience,
	}}
}

// call calls a method whose parameters are strings.
func (c *rpcClient) call(method string, params ...string) (string, error) {
	resp, err := c.http.Post("http://localhost/RPC2", "text/xml", strings.NewReader(methodCall(method, params)))
	if err != nil {
		return "", fmt.Errorf("call %s: %w", method, err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the answer to %s: %w", method, err)
	case resp.StatusCode != http.StatusOK || strings.Contains(string(body), "<fault>"):
		return "", fmt.Errorf("call %s: status %d: %.200s", method, resp.StatusCode, body)
	}
	return string(body), nil
}

// methodCall writes a call whose parameters are strings.
func methodCall(method string, params []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n<params>\n", method)
	for _, p := range params {
		fmt.Fprintf(&b, "<param>\n<value><string>%s</string></value>\n</param>\n", p)
	}
	b.WriteString("</params>\n</methodCall>\n")
	return b.String()
}

// answers returns when the daemon answers, and how long that one call took.
func (r *running) answers() (time.Duration, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		began := time.Now()
		if _, err := r.rpc.call("supervisor.getState"); err == nil {
			return time.Since(began), nil
		}
		select {
		case err := <-r.ended:
			r.ended <- err
			return 0, fmt.Errorf("%s ended early: %w", r.name, err)
		default:
			pause()
		}
	}
	return 0, notWithin{r.name + " answers", patience}
}

// rawClient makes one call over and over on a connection of its own, with
// nothing between the socket and the clock: net/http's client spends more
// time than the daemon does.
type rawClient struct {
	conn    net.Conn
	in      *bufio.Reader
	request string
}

// newRawClient connects to call a method. The parameters are strings.
func newRawClient(socket, method string, params ...string) (*rawClient, error) {
	return dialRaw(socket, methodCall(method, params))
}

// dialRaw connects to make a call that is written already.
func dialRaw(socket, body string) (*rawClient, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", socket, err)
	}
	return &rawClient{conn, bufio.NewReaderSize(conn, 256<<10), fmt.Sprintf(
		"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(body), body)}, nil
}

func (c *rawClient) close() { _ = c.conn.Close() } // nothing is owed to it

// call makes the call and reads the whole answer.
func (c *rawClient) call() error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("bound the call: %w", err)
	}
	if _, err := io.WriteString(c.conn, c.request); err != nil {
		return fmt.Errorf("write the call: %w", err)
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("read the answer, status %d: %w", resp.StatusCode, err)
	}
	return nil
}
