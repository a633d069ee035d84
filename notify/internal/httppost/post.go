// Package httppost is what the integrations over HTTP share: it sends one
// request, reads a bounded reply, and says what the reply's status means.
//
// It knows no service and never decides that a message was accepted: a status
// of 200 proves nothing. It never retries, follows no redirect, and no error
// and no trace of it holds an address or a secret.
package httppost

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/notify"
)

// replyMax is how much of a reply is read, in bytes: services say what they
// have to say in some hundred.
const replyMax = 64 << 10

// Options say how to reach a service.
type Options struct {
	// Service is its name in errors.
	Service string
	// CAFile holds the certificates, in PEM, that the server's is checked with,
	// in place of the system's.
	CAFile string
	// Client makes the requests when not nil; redirects are not followed all
	// the same. Else it is a client with the proxy of the environment.
	Client *http.Client
	// Secrets are hidden wherever a text goes to a person.
	Secrets []string
	// Trace, when not nil, hears the conversation.
	Trace io.Writer
}

// Client sends requests to one service.
type Client struct {
	service string
	http    *http.Client
	mask    *strings.Replacer
}

// New reads the CA file and returns a client. It does not connect.
func New(o Options) (*Client, error) {
	c := &Client{service: o.Service, mask: masker(o.Secrets)}
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	switch {
	case o.CAFile != "" && client.Transport != nil:
		return nil, errors.New("a CA file and a client with a transport, want one of them")
	case o.CAFile != "":
		pool, err := readCA(o.CAFile)
		if err != nil {
			return nil, err
		}
		client.Transport = transport(pool)
	case client.Transport == nil:
		client.Transport = transport(nil)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport = &wire{next: client.Transport, trace: o.Trace, mask: c.mask}
	c.http = &client
	return c, nil
}

func readCA(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA file %q: no certificate in it, want PEM", path)
	}
	return pool, nil
}

// transport has few connections and keeps them for a short time: alerts are
// rare, and a connection that the service has closed meanwhile costs one.
func transport(pool *x509.CertPool) http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       30 * time.Second,
	}
}

// HTTP returns the client itself, for a library that wants one. Its replies
// are bounded, and it follows no redirect.
func (c *Client) HTTP() *http.Client { return c.http }

// Request is what to send.
type Request struct {
	URL         string
	Method      string // POST when empty
	ContentType string // application/json when empty
	Body        []byte
	Header      http.Header
}

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and returns the reply, whatever its status. ctx bounds
// it, and notify.DefaultTimeout where ctx has no deadline. The error is that
// of Explain.
func (c *Client) Do(ctx context.Context, r Request) (*Reply, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, notify.DefaultTimeout)
		defer cancel()
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, &notify.PermanentError{Err: fmt.Errorf("write request to %s: the address is not a URL", c.service)}
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", "vigilance")
	if len(r.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
		if r.ContentType != "" {
			req.Header.Set("Content-Type", r.ContentType)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.Explain(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.Explain(ctx, err)
	}
	return &Reply{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Explain returns a temporary error for a request without a reply. It does not
// hold the address, as the errors of net/http do.
func (c *Client) Explain(ctx context.Context, err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err
	}
	text := c.Hide(err.Error())
	if cause := context.Cause(ctx); cause != nil {
		text = fmt.Sprintf("no end in time: %v", cause)
	}
	return &notify.TemporaryError{Err: fmt.Errorf("send to %s: %s", c.service, text)}
}

// Hide returns a text of someone else's without secrets, in one line of a
// reasonable length.
func (c *Client) Hide(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(c.mask.Replace(strings.ToValidUTF8(text, "\uFFFD"))), " ")
	if len(text) > most {
		cut := most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

// Reach finds out whether the server of an address answers at all, by asking
// for the root of it: no secret is sent.
func (c *Client) Reach(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("reach %s: the address is not a URL", c.service)
	}
	root := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	_, err = c.Do(ctx, Request{Method: http.MethodHead, URL: root.String()})
	return err
}

// CheckURL tells what is wrong with an address; the error does not hold it.
// What is the name of the option.
func CheckURL(what, address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return fmt.Errorf("no %s, want https://host/path", what)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s is not a URL, want https://host/path", what)
	}
	return nil
}

// hidden stands where a secret was.
const hidden = "********"

// masker hides secrets in all the forms in which they go over the wire. Where
// a secret is a URL, its path and its query are secrets as well.
func masker(secrets []string) *strings.Replacer {
	var pairs []string
	hide := func(s string) {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if s != "" {
				pairs = append(pairs, form, hidden)
			}
		}
	}
	for _, s := range secrets {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			hide(s)
			continue
		}
		if u.User == nil && len(u.Path) <= 1 && u.RawQuery == "" {
			continue // only a host
		}
		hide(s)
		if password, ok := u.User.Password(); ok {
			hide(password)
		}
		if len(u.Path) > 1 {
			hide(u.Path)
		}
		hide(u.RawQuery)
		for _, values := range u.Query() {
			for _, v := range values {
				hide(v)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// wire is an http.RoundTripper that bounds replies and writes a trace.
type wire struct {
	next  http.RoundTripper
	mask  *strings.Replacer
	mu    sync.Mutex
	trace io.Writer
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.trace != nil {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		// The rest of the address is the secret of most services.
		w.print("> ", fmt.Sprintf("%s %s://%s/...", r.Method, r.URL.Scheme, r.URL.Host), string(body))
	}
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		if w.trace != nil {
			w.print("-- ", err.Error(), "")
		}
		return nil, err
	}
	if w.trace == nil {
		resp.Body = bounded{io.LimitReader(resp.Body, replyMax), resp.Body}
		return resp, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, replyMax))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	w.print("< ", resp.Status, string(body))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (w *wire) print(mark, head, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.mask.Replace(head + "\n" + body)) {
		_, _ = fmt.Fprintf(w.trace, "%s%s\n", mark, strings.TrimRight(line, "\r\n"))
	}
}

// bounded is a body of which only the beginning is read.
type bounded struct {
	io.Reader
	io.Closer
}
