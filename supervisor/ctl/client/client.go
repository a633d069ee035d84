// Package client talks to a supervisord, Supervisor's or this project's, over
// XML-RPC and follows its logs.
//
// It decides how a server is reached and how its answers become typed values.
// It never decides what a user sees, and never retries.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"
)

// Options says where the server is and who asks.
type Options struct {
	// URL is unix:///path, http://host:port or https://host:port. As in
	// Supervisor a path after the port is ignored. The port of http is 80, and
	// that of https 443, when none is given.
	URL string
	// Username and Password are sent when neither is nil.
	Username, Password *string
	// CAFile names a PEM file with the authorities that an https server's
	// certificate is checked by; empty for the system's.
	CAFile string
	// Insecure accepts any certificate.
	Insecure bool
}

// Client is a connection to one server, kept between calls. Its methods may be
// called at the same time.
type Client struct {
	options Options
	base    string // of the URLs of requests
	http    http.Client
}

// Fault is the server's refusal of a call.
type Fault struct {
	Code   int
	String string
}

func (f *Fault) Error() string { return fmt.Sprintf("fault %d: %s", f.Code, f.String) }

// Codes of faults, and of the results for single processes.
const (
	UnknownMethod       = 1
	ShutdownState       = 6
	BadName             = 10
	BadSignal           = 11
	NoFile              = 20
	NotExecutable       = 21
	Failed              = 30
	AbnormalTermination = 40
	SpawnError          = 50
	AlreadyStarted      = 60
	NotRunning          = 70
	Success             = 80
	AlreadyAdded        = 90
	StillRunning        = 91
	CantReread          = 92
)

// FaultCode returns the code of the fault that err is, or 0 when it is none.
func FaultCode(err error) int {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault.Code
	}
	return 0
}

// ProtocolError is an HTTP answer other than 200.
type ProtocolError struct {
	Status int
	Reason string // the text after the status
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("server answered %d %s", e.Status, e.Reason)
}

// UnknownProtocolError says that the URL is of none of the known kinds.
type UnknownProtocolError struct{ URL string }

func (e *UnknownProtocolError) Error() string {
	return fmt.Sprintf("Unknown protocol for serverurl %s", e.URL)
}

// idleTimeout is how long an unused connection is kept: shorter than what
// servers and what lies between allow.
const idleTimeout = 10 * time.Second

// New returns a client; it does not connect yet. The error is an
// *UnknownProtocolError, or says what is wrong with the URL or the CA file.
func New(o Options) (*Client, error) {
	transport := &http.Transport{
		MaxIdleConns:    2,
		IdleConnTimeout: idleTimeout,
	}
	c := &Client{options: o, http: http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if path, ok := strings.CutPrefix(o.URL, "unix://"); ok {
		// The host stands for the socket, whose name could be no host's.
		c.base = "http://localhost"
		transport.DisableCompression = true // costs more than it saves
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return c, nil
	}
	if !strings.HasPrefix(o.URL, "http://") && !strings.HasPrefix(o.URL, "https://") {
		return nil, &UnknownProtocolError{o.URL}
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read the server's URL: %w", err)
	}
	c.base = u.Scheme + "://" + u.Host
	if u.Scheme == "https" {
		transport.TLSClientConfig, err = tlsConfig(o)
	}
	return c, err
}

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: o.Insecure} //nolint:gosec // the user's explicit choice
	if o.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the CA file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the CA file %q: no certificate in it, want PEM", o.CAFile)
	}
	return config, nil
}

// Close gives up the kept connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call calls a method and gives its result to decode. Refusals are of type
// *Fault and *ProtocolError; other errors are those of the connection.
func (c *Client) call(ctx context.Context, method string, decode func(*reply), args ...any) error {
	request, err := xmlrpc.NewRequest(c.base+"/RPC2", method, args)
	if err != nil {
		return fmt.Errorf("make the call of %s: %w", method, err)
	}
	request.Header.Set("Accept", "text/xml")
	body, err := c.do(request.WithContext(ctx))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(body)
	_ = body.Close() // read to its end
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", method, err)
	}
	return newReply(data).result(decode)
}

// do sends a request and returns the body of the answer, which the caller
// closes.
func (c *Client) do(request *http.Request) (io.ReadCloser, error) {
	if c.options.Username != nil && c.options.Password != nil {
		request.SetBasicAuth(*c.options.Username, *c.options.Password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // the status says all
		_, reason, _ := strings.Cut(response.Status, " ")
		return nil, &ProtocolError{Status: response.StatusCode, Reason: reason}
	}
	return response.Body, nil
}

// Stream opens a log that the server goes on sending, /mainlogtail or
// /logtail/NAME/stdout. The caller closes it; so does the end of ctx.
func (c *Client) Stream(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+(&url.URL{Path: path}).EscapedPath(), nil)
	if err != nil {
		return nil, fmt.Errorf("make the request for %s: %w", path, err)
	}
	request.Header.Set("User-Agent", "Supervisor HTTP Client")
	// A compressor would hold back what it waits to see more of.
	request.Header.Set("Accept-Encoding", "identity")
	return c.do(request)
}
