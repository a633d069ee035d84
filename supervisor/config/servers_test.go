package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestProtectedServers reads the options by which an inet server is safer than
// Supervisor's.
func TestProtectedServers(t *testing.T) {
	const password = "username=user\npassword=secret\n"
	for _, c := range []struct {
		options string
		want    Server // of which only the four fields count
		err     string
	}{
		{"", Server{}, ""},
		{"certfile=/etc/c.pem\nkeyfile=/etc/k.pem\n", Server{CertFile: "/etc/c.pem", KeyFile: "/etc/k.pem"}, ""},
		{"certfile=/etc/both.pem\n", Server{CertFile: "/etc/both.pem", KeyFile: "/etc/both.pem"}, ""},
		{"certfile=/etc/../etc/c.pem\nclient_ca=/etc/ca.pem\n", Server{CertFile: "/etc/c.pem", KeyFile: "/etc/c.pem", ClientCA: "/etc/ca.pem"}, ""},
		{"certfile=\n", Server{}, ""},
		{"keyfile=/etc/k.pem\n", Server{}, "section [inet_http_server] has a keyfile or a client_ca, but no certfile"},
		{"client_ca=/etc/ca.pem\n", Server{}, "section [inet_http_server] has a keyfile or a client_ca, but no certfile"},
		{password + "require_auth=true\n", Server{RequireAuth: true}, ""},
		{"require_auth=false\n", Server{}, ""},
		{"require_auth=true\n", Server{}, "section [inet_http_server] has require_auth=true, but no username and password"},
		{"require_auth=true\nusername=\npassword=secret\n", Server{}, "section [inet_http_server] has require_auth=true, but no username and password"},
		{"require_auth=perhaps\n", Server{}, "not a valid boolean value: 'perhaps'"},
	} {
		cfg, err := load(t, "[supervisord]\n[inet_http_server]\nport=9001\n"+c.options)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: got error %v, want %q", c.options, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.options, err)
			continue
		}
		s := cfg.Servers[0]
		got := Server{CertFile: s.CertFile, KeyFile: s.KeyFile, ClientCA: s.ClientCA, RequireAuth: s.RequireAuth}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %+v, want %+v", c.options, got, c.want)
		}
	}
	cfg := mustLoad(t, "[supervisord]\n[inet_http_server]\nport=9001\ncertfile=%(here)s/c.pem\n")
	if got, want := cfg.Servers[0].CertFile, cfg.Here+"/c.pem"; got != want {
		t.Errorf("certfile=%%(here)s/c.pem: got %q, want %q", got, want)
	}
	if got, want := cfg.ServerURL(), "https://localhost:9001"; got != want {
		t.Errorf("ServerURL with a certificate: got %q, want %q", got, want)
	}
}
