// Package robot is what the integrations for robots of chat groups share
// (DingTalk, WeCom, Feishu): a robot has a webhook URL that holds its
// credential, and answers each message with a code in JSON.
//
// It knows no service: what a URL of one looks like, what is posted where and
// what a code means is told to it.
package robot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// Service is what tells one service's robots from another's.
type Service struct {
	// Name is the service's, in errors.
	Name string
	// Credential is what the service calls a robot's credential.
	Credential string
	// BaseURL is where the robots are if nothing else is said.
	BaseURL string
	// InURL returns the credential in a webhook URL, and an empty text for
	// another URL; WantURL is the end of one.
	InURL   func(*url.URL) string
	WantURL string
	// Code and Message name the fields of a reply with the code and the text
	// beside it.
	Code, Message string
	// Meaning returns what a code asks for.
	Meaning func(code int64) httppost.Code
}

// Options say which robot sends.
type Options struct {
	// Credential is the robot's, or its whole webhook URL.
	Credential notify.Secret
	// Secret signs the messages, where it is not empty.
	Secret notify.Secret
	// BaseURL is stronger than that of the webhook URL and the service's.
	BaseURL string

	// CAFile, Client and Trace are those of httppost.Options.
	CAFile string
	Client *http.Client
	Trace  io.Writer
}

// Robot posts messages for one robot.
type Robot struct {
	service    Service
	credential string
	secret     string
	base       string
	http       *httppost.Client
}

// New checks the options and returns a Robot. It does not connect. Its errors
// name the option that is wrong, and hold no secret.
func New(s Service, o Options) (*Robot, error) {
	r := &Robot{service: s, credential: string(o.Credential), secret: string(o.Secret), base: o.BaseURL}
	err := r.readCredential()
	if err == nil {
		r.http, err = httppost.New(httppost.Options{
			Service: s.Name, CAFile: o.CAFile, Client: o.Client, Trace: o.Trace,
			Secrets: []string{r.credential, r.secret},
		})
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// readCredential takes a webhook URL apart.
func (r *Robot) readCredential() error {
	if strings.Contains(r.credential, "://") {
		u, err := url.Parse(r.credential)
		if err != nil || u.Host == "" {
			return errors.New("webhook URL is not a URL, want https://host/path")
		}
		if r.base == "" {
			r.base = u.Scheme + "://" + u.Host
		}
		if r.credential = r.service.InURL(u); r.credential == "" {
			return fmt.Errorf("webhook URL without its %s, want %s at its end", r.service.Credential, r.service.WantURL)
		}
	}
	if r.base == "" {
		r.base = r.service.BaseURL
	}
	if r.credential == "" {
		return fmt.Errorf("no %s, want the robot's or its webhook URL", r.service.Credential)
	}
	if strings.ContainsAny(r.credential+r.secret, " \t\r\n") {
		return fmt.Errorf("white space in the %s or the secret, want none", r.service.Credential)
	}
	return httppost.CheckURL("base URL", r.base)
}

// Credential returns the robot's credential itself.
func (r *Robot) Credential() string { return r.credential }

// Base returns where the robot is.
func (r *Robot) Base() string { return r.base }

// Secret returns the secret that signs messages, or an empty text.
func (r *Robot) Secret() string { return r.secret }

// Format keeps fmt from printing what is inside.
func (r *Robot) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.service.Name) }

// Check implements notify.Checker.
func (r *Robot) Check(ctx context.Context) error { return r.http.Reach(ctx, r.base) }

// Post posts v to a path and returns the reply, whatever its status.
func (r *Robot) Post(ctx context.Context, path string, v any) (*httppost.Reply, error) {
	return r.http.SendJSON(ctx, strings.TrimSuffix(r.base, "/")+path, v)
}

// Judge returns what a reply means.
func (r *Robot) Judge(reply *httppost.Reply) error {
	var (
		fields  map[string]json.RawMessage
		code    *int64
		message string
	)
	if json.Unmarshal(reply.Body, &fields) != nil || json.Unmarshal(fields[r.service.Code], &code) != nil {
		code = nil // the reply has none
	}
	if json.Unmarshal(fields[r.service.Message], &message) != nil {
		message = string(fields[r.service.Message])
	}
	return r.http.Judge(reply, code, message, r.service.Meaning)
}

// TooFast is a refusal that is told otherwise than by a code.
func (r *Robot) TooFast(reply *httppost.Reply, status int64, wait float64) error {
	return r.http.CodeError(status, string(reply.Body), httppost.Code{Action: httppost.Rate, Wait: httppost.Seconds(wait)})
}

// Sign returns the HMAC-SHA256 of a text in base64.
func Sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Size returns the length of a message's JSON, in bytes, and 0 for what cannot
// be encoded, which Post reports.
func Size(v any) int {
	b, err := httppost.Encode(v)
	if err != nil {
		return 0
	}
	return len(b)
}
