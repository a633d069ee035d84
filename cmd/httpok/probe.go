package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// retryInterval is the pause before a refused connection is tried again.
	retryInterval = 10 * time.Second
	// bodyMax is how much of a body is looked at, in bytes.
	bodyMax = 8 << 20
)

// request says how a URL is asked.
type request struct {
	method        string
	header        http.Header
	timeout       time.Duration // of one attempt
	retryInterval time.Duration
	caFile        string
	insecure      bool
	socket        string // where http and https URLs are asked; empty for their host
}

// expectation says what a good answer is.
type expectation struct {
	statuses []int
	body     string         // must be in the body, when not empty
	regex    *regexp.Regexp // must match the body, when not nil
	absent   []string       // must not be in the body
}

// answer is what came of asking a URL.
type answer struct {
	text   string // what happened, in superlance's words
	status int    // of HTTP; 0 where there was none
	dialed bool   // a target that is only connected to was connected to
	body   []byte
}

// The ways in which an answer is not good, as they stand in subjects.
const (
	badStatus = "bad status returned"
	badBody   = "bad body returned"
)

// judge returns what is wrong with an answer; empty for nothing.
func (e expectation) judge(a answer) string {
	switch {
	case a.dialed:
		return ""
	case !slices.Contains(e.statuses, a.status):
		return badStatus
	case e.body != "" && !bytes.Contains(a.body, []byte(e.body)),
		e.regex != nil && !e.regex.Match(a.body),
		slices.ContainsFunc(e.absent, func(text string) bool { return bytes.Contains(a.body, []byte(text)) }):
		return badBody
	default:
		return ""
	}
}

// looksAtBody tells whether the body matters.
func (e expectation) looksAtBody() bool { return e.body != "" || e.regex != nil || len(e.absent) > 0 }

// probe asks one target.
type probe struct {
	target
	request
	keepBody bool
	client   *http.Client
}

// newProbe returns a probe of a target. The error is that of the CA file.
func newProbe(t target, r request, keepBody bool, log *slog.Logger) (*probe, error) {
	p := &probe{target: t, request: r, keepBody: keepBody}
	if t.http == "" {
		return p, nil
	}
	config, err := tlsConfig(t, r, log)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		MaxIdleConnsPerHost: -1, DisableCompression: true, TLSClientConfig: config, MaxResponseHeaderBytes: 64 << 10,
	}
	if t.network != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, t.network, t.address)
		}
	}
	p.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

// tlsConfig says how certificates are checked. superlance checks none, and a
// program with one of its own must not be restarted at every tick for that. So
// a wrong one is only told, unless the user has named authorities or there is
// something that a stranger must not hear.
func tlsConfig(t target, r request, log *slog.Logger) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // VerifyConnection checks, as said above
	if r.insecure {
		return config, nil
	}
	var roots *x509.CertPool
	if r.caFile != "" {
		pem, err := os.ReadFile(r.caFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA file: %w", err)
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the CA file %q: no certificate in it, want PEM", r.caFile)
		}
	}
	strict := r.caFile != "" || len(r.header) > 0 || t.secret
	var told sync.Once
	config.VerifyConnection = func(state tls.ConnectionState) error {
		intermediates := x509.NewCertPool()
		for _, certificate := range state.PeerCertificates[1:] {
			intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
			DNSName: state.ServerName, Roots: roots, Intermediates: intermediates,
		})
		if err != nil && !strict {
			told.Do(func() {
				log.Warn("the certificate is not valid; the check goes on, because superlance's does. "+
					"--ca-file makes it a failure, --insecure silences this", "url", t.url, "err", err)
			})
			return nil
		}
		return err
	}
	return config, nil
}

// ask asks the target. A connection that is refused is tried again after a
// pause, as often as pauses fit into the timeout.
func (p *probe) ask(ctx context.Context) answer {
	for retries := int((p.timeout - time.Second) / p.retryInterval); ; retries-- {
		a, err := p.attempt(ctx)
		if err == nil {
			return a
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || retries <= 0 || !sleep(ctx, p.retryInterval) {
			return answer{text: fmt.Sprintf("error contacting %s:\n\n %s", p.url, reason(err))}
		}
	}
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt asks once.
func (p *probe) attempt(ctx context.Context) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if p.http == "" {
		conn, err := new(net.Dialer).DialContext(ctx, p.network, p.address)
		if err != nil {
			return answer{}, err
		}
		_ = conn.Close() // it was only to be had
		return answer{dialed: true, text: "connected to " + p.url}, nil
	}
	request, err := http.NewRequestWithContext(ctx, p.method, p.http, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header = p.header.Clone()
	for name, value := range map[string]string{"User-Agent": "httpok", "Accept-Encoding": "identity"} {
		if request.Header.Get(name) == "" {
			request.Header.Set(name, value)
		}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := p.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	a := answer{status: response.StatusCode}
	number, phrase, _ := strings.Cut(response.Status, " ")
	if number != strconv.Itoa(a.status) {
		phrase = response.Status
	}
	a.text = fmt.Sprintf("status contacting %s: %d %s", p.url, a.status, phrase)
	if p.keepBody {
		a.body, err = io.ReadAll(io.LimitReader(response.Body, bodyMax))
	}
	if err == nil {
		// A body that does not end is a fault too.
		_, err = io.Copy(io.Discard, response.Body)
	}
	return a, err
}

// reason is why a URL could not be asked, without what the mail says anyway. A
// timeout is told in superlance's words.
func reason(err error) string {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return "timed out"
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}
