package main

import (
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

// call calls a method without parameters, or with one string.
func (c *rpcClient) call(method string, params ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n<params>\n", method)
	for _, p := range params {
		fmt.Fprintf(&b, "<param>\n<value><string>%s</string></value>\n</param>\n", p)
	}
	b.WriteString("</params>\n</methodCall>\n")
	resp, err := c.http.Post("http://localhost/RPC2", "text/xml", strings.NewReader(b.String()))
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

// wait returns when the daemon answers.
func (c *rpcClient) wait() error {
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err = c.call("supervisor.getState"); err == nil {
			return nil
		}
		<-time.After(200 * time.Microsecond)
	}
	return err
}
