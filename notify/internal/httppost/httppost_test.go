package httppost_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

func client(t *testing.T, o httppost.Options) *httppost.Client {
	t.Helper()
	o.Service = "X"
	c, err := httppost.New(o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	return c
}

func TestCertificatesAreChecked(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer server.Close()
	server.Config.ErrorLog = nil
	_, err := client(t, httppost.Options{}).Do(t.Context(), httppost.Request{URL: server.URL + "/secret"})
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "/secret") {
		t.Errorf("Do without the CA = %v, want an error about the certificate", err)
	}
	dir := t.TempDir()
	ca, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(ca, text, 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	r, err := client(t, httppost.Options{CAFile: ca}).Do(t.Context(), httppost.Request{URL: server.URL})
	if err != nil || r.Status != http.StatusTeapot {
		t.Errorf("Do with the CA = %+v, %v; want status 418", r, err)
	}
	if _, err := httppost.New(httppost.Options{CAFile: empty}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("New with an empty CA file = %v, want no certificate", err)
	}
	transport := &http.Client{Transport: http.DefaultTransport}
	if _, err := httppost.New(httppost.Options{CAFile: ca, Client: transport}); err == nil {
		t.Error("New with a CA file and a transport = nil, want an error")
	}
}

// A service that says too much is not listened to.
func TestRepliesAreBounded(t *testing.T) {
	s := chattest.NewTeams()
	for _, trace := range []*bytes.Buffer{nil, {}} {
		s.Answer(chattest.Reply{Body: strings.Repeat("x", 1<<20)})
		o := httppost.Options{}
		if trace != nil {
			o.Trace = trace
		}
		r, err := client(t, o).Do(t.Context(), httppost.Request{URL: s.Start(t)})
		if err != nil || len(r.Body) != 64<<10 {
			t.Errorf("Do = %v with %d bytes, want nil with 65536", err, len(r.Body))
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := chattest.NewTeams()
	to := elsewhere.Start(t)
	s := chattest.NewTeams()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.Answer(chattest.Reply{Status: status, Header: map[string]string{"Location": to}})
		r, err := client(t, httppost.Options{Client: &http.Client{}}).Do(t.Context(), httppost.Request{URL: s.Start(t)})
		if err != nil || r.Status != status || len(elsewhere.Requests()) > 0 {
			t.Errorf("Do = %+v, %v with %d requests elsewhere; want status %d, none", r, err, len(elsewhere.Requests()), status)
		}
	}
}

// A proxy of the environment is used; what goes wrong there tells no address.
func TestErrorsHoldNoAddress(t *testing.T) {
	c := client(t, httppost.Options{Secrets: []string{"tok en", "https://x.test/hook/abc?key=def"}})
	for _, address := range []string{"http://127.0.0.1:1/secret?token=secret", "http://[::1/secret", "://secret", "http://x/\x7fsecret", "unknown://secret"} {
		_, err := c.Do(t.Context(), httppost.Request{URL: address})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Do(%q) = %v, want an error without the address", address, err)
		}
	}
	for text, want := range map[string]string{
		"is tok en or tok+en or tok%20en":     "is ******** or ******** or ********",
		"POST /hook/abc":                      "POST ********",
		"key def":                             "key ********",
		"at https://x.test/hook/abc?key=def.": "at ********.",
		"a\n b\tc\x00\xff":                    "a b c\x00\uFFFD",
	} {
		if got := c.Hide(text); got != want {
			t.Errorf("Hide(%q) = %q, want %q", text, got, want)
		}
	}
	if got := c.Hide(strings.Repeat("中", 1000)); len(got) > 310 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("Hide of a long text = %q, want it cut", got)
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
			time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat):     0,
			time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat):   time.Hour,
			"1.5": 1500 * time.Millisecond, "-3": 0, "NaN": 0, "+Inf": time.Hour, "": 0,
		} {
			r := httppost.Reply{Header: http.Header{"Retry-After": {value}}}
			if got := r.RetryAfter(); got != want {
				t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
			}
		}
	})
}

func TestSendFittingCutsOnce(t *testing.T) {
	large := &httppost.TooLargeError{Err: errors.New("too large")}
	for _, tt := range []struct {
		answers []error
		want    string
		limits  string
	}{
		{[]error{nil}, "accepted", "[1000]"},
		{[]error{large, nil}, "accepted", "[1000 300]"},
		{[]error{large, large}, "permanent", "[1000 300]"},
		{[]error{large, &notify.TemporaryError{Err: errors.New("busy")}}, "retry", "[1000 300]"},
		{[]error{&notify.TemporaryError{Err: errors.New("busy")}}, "retry", "[1000]"},
	} {
		var limits []int
		err := httppost.SendFitting(1000, func(limit int) (int, error) {
			limits = append(limits, limit)
			return 600, tt.answers[len(limits)-1]
		})
		if got := chattest.Outcome(err); got != tt.want || fmt.Sprint(limits) != tt.limits {
			t.Errorf("SendFitting answered with %v = %v (%s), limits %v; want %s, %s", tt.answers, err, got, limits, tt.want, tt.limits)
		}
	}
}

// markup is a type that writes its own JSON, with escapes in it.
type markup string

func (m markup) MarshalJSON() ([]byte, error) { return json.Marshal(string(m)) }

// Every character stands for itself, and means the same.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "a", `<&>"\`, `\u003c \\u003c`, "\u2028\u2029", "中文😀", "\x00\x1f\x7f\n\t", "\xff\xfe", `\ud83d`, "\uFFFD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := httppost.Encode([]any{s, markup(s)})
		var back []string
		if err == nil {
			err = json.Unmarshal(got, &back)
		}
		want := strings.ToValidUTF8(s, "")
		if err != nil || len(back) != 2 || back[0] != back[1] || strings.ReplaceAll(back[0], "\uFFFD", "") != strings.ReplaceAll(want, "\uFFFD", "") {
			t.Fatalf("Encode(%q) = %s, %v, which means %q; want the same", s, got, err, back)
		}
		plain := strings.Map(func(r rune) rune {
			if r < ' ' || r == '\\' {
				return -1
			}
			return r
		}, s)
		if got, err := httppost.Encode(plain); err != nil || bytes.Contains(got, []byte(`\u`)) {
			t.Fatalf("Encode(%q) = %s, %v; want no escaped characters", plain, got, err)
		}
	})
}
