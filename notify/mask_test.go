package notify_test

import (
	"testing"

	"github.com/vigilance-go/vigilance/notify"
)

func TestMaskHidesSecrets(t *testing.T) {
	mask, err := notify.NewMask(`card \d{4}`, `user=(\w+) pin=(\d+)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"nothing to hide: token", "nothing to hide: token"},
		{"password=hunter2", "password=********"},
		{"DB_PASSWORD: hunter2, x", "DB_PASSWORD: ********, x"},
		{`{"api_key": "abc\"def", "n": 1}`, `{"api_key": ********, "n": 1}`},
		{"?access_token=abc&x=1", "?access_token=********&x=1"},
		{"Authorization: Bearer abc.def-123", "Authorization: Bearer ********"},
		{"authorization: Basic dXNlcjpwYXNz", "authorization: Basic ********"},
		{"postgres://user:p4ss@db/x", "postgres://user:********@db/x"},
		{"http://host:80/a@b", "http://host:80/a@b"},
		{"key AKIAIOSFODNN7EXAMPLE used", "key ******** used"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nrest", "-----BEGIN RSA PRIVATE KEY-----********-----END RSA PRIVATE KEY-----\nrest"},
		{"card 1234 and card 5678", "******** and ********"},
		{"user=joe pin=1234 ok", "user=******** pin=******** ok"},
	} {
		if got := mask.Text(tt.text); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	for _, bad := range []string{"(", "a*"} {
		if _, err := notify.NewMask(bad); err == nil {
			t.Errorf("NewMask(%q) = nil, want an error", bad)
		}
	}
}
