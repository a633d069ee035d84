// Package chattest has chat services for tests: they take what the real ones
// take, check it as strictly, answer with the same bodies, and enforce the
// same rate limits.
//
// They decide nothing about what a good message looks like; a test reads it
// from Messages. They are used over a real connection (Start), or without one
// inside a testing/synctest bubble (Client), where an hour of pacing takes no
// time.
package chattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// Reply is what a service answers.
type Reply struct {
	Status int // 200 when 0
	Header map[string]string
	Body   string
	// Hang answers nothing until the client has gone.
	Hang bool
}

// Request is what a service was sent.
type Request struct {
	Method, Path, Query, ContentType, Auth string

	Body []byte
	At   time.Time
	// Accepted tells that it was answered with success.
	Accepted bool

	free bool // it does not count for the rate limits
}

// Service is a chat service. Make one with New....
type Service struct {
	// check returns what the service finds wrong with a request, or nil.
	check func(*http.Request, []byte) *Reply
	ok    Reply
	rates []rate
	free  string // a path to which any number of requests may go

	mu       sync.Mutex
	script   []Reply
	requests []Request
	blocked  time.Time
	refused  int
}

// rate is a limit, and what the service says beyond it.
type rate struct {
	n      int
	period time.Duration
	block  time.Duration // how long everything is refused then
	reply  Reply
}

// Answer makes the service answer the next requests with these replies, one
// each, whatever they are.
func (s *Service) Answer(replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, replies...)
}

// Requests returns all requests so far.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Messages returns the bodies of the requests that were accepted.
func (s *Service) Messages() (bodies []string) {
	for _, r := range s.Requests() {
		if r.Accepted {
			bodies = append(bodies, string(r.Body))
		}
	}
	return bodies
}

// Refused returns how many requests were refused, for their rate or for what
// they were; answers that the test has asked for do not count.
func (s *Service) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Start serves on a free port of the loopback interface until the test ends,
// and returns the URL.
func (s *Service) Start(t testing.TB) string {
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// Client returns a client whose requests all go to the service, without a
// network.
func (s *Service) Client() *http.Client { return &http.Client{Transport: direct{s}} }

type direct struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	reply := s.answer(r, body)
	if reply.Hang {
		<-r.Context().Done()
		return
	}
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	if reply.Status == 0 {
		reply.Status = http.StatusOK
	}
	w.WriteHeader(reply.Status)
	_, _ = io.WriteString(w, reply.Body)
}

func (s *Service) answer(r *http.Request, body []byte) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"),
		Auth: r.Header.Get("Authorization"), Body: body, At: time.Now(),
		free: r.Method == http.MethodHead || s.free != "" && r.URL.Path == s.free,
	}
	reply, asked := s.ok, len(s.script) > 0
	if asked {
		reply, s.script = s.script[0], s.script[1:]
	} else if wrong := s.judge(r, body, request); wrong != nil {
		reply = *wrong
		s.refused++
	} else {
		request.Accepted = true
	}
	s.requests = append(s.requests, request)
	return reply
}

// judge counts a request against the rate limits and checks it.
func (s *Service) judge(r *http.Request, body []byte, request Request) *Reply {
	now := request.At
	for _, l := range s.rates {
		if request.free {
			break
		}
		n := 1
		for _, before := range s.requests {
			if !before.free && now.Sub(before.At) < l.period {
				n++
			}
		}
		if n > l.n || now.Before(s.blocked) {
			if n > l.n && l.block > 0 {
				s.blocked = now.Add(l.block)
			}
			return &l.reply
		}
	}
	return s.check(r, body)
}

// checkJSON returns what is wrong with a request in JSON: one that is not
// UTF-8, or that has characters in it which need not be escaped.
func checkJSON(r *http.Request, body []byte, v any) error {
	mediaType, charset, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	charset = strings.ToLower(strings.TrimSpace(charset))
	switch {
	case r.Method != http.MethodPost:
		return fmt.Errorf("method %s", r.Method)
	case mediaType != "application/json" || charset != "" && charset != "charset=utf-8":
		return fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	case !utf8.Valid(body):
		return fmt.Errorf("not UTF-8: %q", body)
	case bytes.Contains(body, []byte(`\u`)):
		return fmt.Errorf("an escaped character: %q", body)
	}
	return json.Unmarshal(body, v)
}

// sprintf quotes what goes into a reply's JSON.
func sprintf(format string, err error) string {
	quoted, _ := json.Marshal(err.Error())
	return fmt.Sprintf(format, quoted)
}
