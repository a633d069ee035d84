package config

import (
	"strings"
	"testing"
)

func TestBasePathIsAPlainPath(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/supervisor", "/supervisor"},
		{"/a/b-1/", "/a/b-1"},
		{"/", ""},
	} {
		for _, server := range []string{"[inet_http_server]\nport=9001\n", "[unix_http_server]\nfile=/tmp/s.sock\n"} {
			cfg := mustLoad(t, "[supervisord]\n"+server+"base_path="+c.text+"\n")
			if got := cfg.Servers[0].BasePath; got != c.want {
				t.Errorf("base_path=%s of %q is read as %q, want %q", c.text, server, got, c.want)
			}
		}
	}
	for _, text := range []string{"supervisor", "//evil.example", "/a b", "/a?b", "/a//b"} {
		_, err := load(t, "[supervisord]\n[inet_http_server]\nport=9001\nbase_path="+text+"\n")
		if want := "Invalid base_path value " + text; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("base_path=%s: error %v, want %q", text, err, want)
		}
	}
}
