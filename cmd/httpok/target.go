package main

import (
	"fmt"
	"net/url"
	"strings"
)

// target is what a URL stands for.
type target struct {
	url string // as the user wrote it
	// http is the URL that is asked, empty for a target that is only connected
	// to.
	http string
	// network and address are what is connected to, where that is not what http
	// says.
	network, address string
	// secret tells that the URL holds a password.
	secret bool
}

// parseTarget reads a URL: http, https, http+unix://%2Fpath%2Fof.sock/path,
// tcp://host:port or unix:///path/of.sock. socket is where http and https URLs
// are asked, when not empty. The error says what is wrong.
func parseTarget(text, socket string) (target, error) {
	t := target{url: text}
	if rest, ok := cutScheme(text, "http+unix"); ok {
		host, path, _ := strings.Cut(rest, "/")
		file, err := url.PathUnescape(host)
		if err != nil || file == "" {
			return t, fmt.Errorf("read URL %q: want a socket, escaped, as in http+unix://%%2Frun%%2Fapp.sock/path", text)
		}
		t.network, t.address, t.http = "unix", file, "http://localhost/"+path
		return t, nil
	}
	if file, ok := cutScheme(text, "unix"); ok && file != "" {
		t.network, t.address = "unix", file
		return t, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return t, fmt.Errorf("read URL %q: %w", text, err)
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return t, fmt.Errorf("read URL %q: no host in it", text)
		}
		u.Fragment = ""
		_, t.secret = u.User.Password()
		t.http = u.String()
		if t.secret {
			t.url = u.Redacted()
		}
		if socket != "" {
			t.network, t.address = "unix", socket
		}
		return t, nil
	case "tcp":
		if u.Port() == "" {
			return t, fmt.Errorf("read URL %q: no port in it, want tcp://host:port", text)
		}
		t.network, t.address = "tcp", u.Host
		return t, nil
	default:
		return t, fmt.Errorf("Bad scheme %s", u.Scheme) //nolint:staticcheck // superlance's words
	}
}

// cutScheme cuts a scheme, in letters of any case, off a URL.
func cutScheme(text, scheme string) (rest string, ok bool) {
	found, rest, ok := strings.Cut(text, "://")
	return rest, ok && strings.EqualFold(found, scheme)
}
