package rpc

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestUnderBaseTakesThePathOff(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.URL.Path + " " + r.Header.Get(forwardedPrefix)))
	})
	for _, c := range []struct{ base, path, sent, want string }{
		{"", "/a/RPC2", "", "/a/RPC2 "},
		{"/a", "/a/RPC2", "", "/RPC2 /a"},
		{"/a", "/RPC2", "", "/RPC2 /a"},
		{"/a", "/ab", "", "/ab /a"},
		{"/a", "/a/", "/other", "/ /other"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.sent != "" {
			r.Header.Set(forwardedPrefix, c.sent)
		}
		w := httptest.NewRecorder()
		underBase(c.base, echo).ServeHTTP(w, r)
		if got := w.Body.String(); got != c.want {
			t.Errorf("underBase(%q) of %s = %q, want %q", c.base, c.path, got, c.want)
		}
	}
	w := httptest.NewRecorder()
	underBase("/a", echo).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a", nil))
	if w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/a/" {
		t.Errorf("underBase(/a) of /a = %d to %q, want 301 to /a/", w.Code, w.Header().Get("Location"))
	}
}
