package xmlrpc

import (
	"bytes"
	"testing"
	"time"
)

func FuzzParseCall(f *testing.F) {
	for _, c := range calls {
		f.Add([]byte(c.body))
	}
	for _, n := range nonsense {
		f.Add([]byte(n.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := ParseCall(bytes.NewReader(body))
		switch {
		case err == nil && wellFormed(body) != nil && !bytes.Contains(body, []byte("encoding")):
			t.Errorf("ParseCall(%q) = %#v, which is not XML", body, call)
		case err != nil && (call.Method != "" || call.Params != nil):
			t.Errorf("ParseCall(%q) = %#v with the error %v", body, call, err)
		}
		for _, p := range call.Params {
			check(t, p, 0)
		}
	})
}

// check fails for a value of a type that Call does not promise.
func check(t *testing.T, v any, depth int) {
	t.Helper()
	if depth > MaxDepth {
		t.Fatalf("a value is nested deeper than %d", MaxDepth)
	}
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			check(t, inner, depth+1)
		}
	case map[string]any:
		for _, inner := range v {
			check(t, inner, depth+1)
		}
	case nil, bool, int64, float64, string, time.Time:
	default:
		t.Errorf("got a value of type %T", v)
	}
}
