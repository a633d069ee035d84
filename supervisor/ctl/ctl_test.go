package ctl

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func TestParseLine(t *testing.T) {
	tests := []struct{ text, name, arg, line string }{
		{"", "", "", ""},
		{" \t\x1c\u00a0", "", "", ""},
		{" start  a b ", "start", "a b", "start  a b"},
		{"start:a", "start", ":a", "start:a"},
		{"tail -f a", "tail", "-f a", "tail -f a"},
		{"a_1 x", "a_1", "x", "a_1 x"},
		{"?", "help", "", "help "},
		{"?start", "help", "start", "help start"},
		{"? start", "help", "start", "help  start"},
		{"!ls", "", "!ls", "!ls"},
		{"-x", "", "-x", "-x"},
		{"st\u00e4rt", "st", "\u00e4rt", "st\u00e4rt"},
		{"aa", "aa", "", "aa"},
	}
	for _, tt := range tests {
		name, arg, line := parseLine(tt.text)
		if name != tt.name || arg != tt.arg || line != tt.line {
			t.Errorf("parseLine(%q) = %q, %q, %q, want %q, %q, %q", tt.text, name, arg, line, tt.name, tt.arg, tt.line)
		}
	}
}

func TestSplitNamespec(t *testing.T) {
	tests := []struct {
		namespec, group, process string
		whole                    bool
	}{
		{"a", "a", "a", false}, {"a:b", "a", "b", false}, {"a:*", "a", "", true}, {"a:", "a", "", true},
		{":", "", "", true}, {":b", "", "b", false}, {"a:b:c", "a", "b:c", false}, {"", "", "", false}, {"*", "*", "*", false},
	}
	for _, tt := range tests {
		group, process, whole := splitNamespec(tt.namespec)
		if group != tt.group || process != tt.process || whole != tt.whole {
			t.Errorf("splitNamespec(%q) = %q, %q, %v, want %q, %q, %v",
				tt.namespec, group, process, whole, tt.group, tt.process, tt.whole)
		}
	}
}

// some are the processes of the tests below.
func some() []client.ProcessInfo {
	return []client.ProcessInfo{
		{Group: "cat", Name: "cat"}, {Group: "web", Name: "web_0"}, {Group: "web", Name: "web_1"},
		{Group: "w*", Name: "w*"}, {Group: "[x]", Name: "[x]"}, {Group: "mixed", Name: "cat"},
	}
}

func TestStandsFor(t *testing.T) {
	tests := []struct{ name, want string }{
		{"web:web_*", "web:web_0 web:web_1"}, {"w*", "w*"}, {"w*:*", "w*:*"}, {"we*", "web:web_0 web:web_1"},
		{"web:*", "web:*"}, {"c?t", "cat"}, {"*:cat", "cat mixed:cat"}, {"[x]", "[x]"}, {"[c]at", "cat"},
		{"no*", "no*"}, {"[", "["}, {"m*:", "mixed:cat"}, {"*", "cat web:web_0 web:web_1 w* [x] mixed:cat"},
	}
	for _, tt := range tests {
		if got := strings.Join(standsFor(tt.name, some()), " "); got != tt.want {
			t.Errorf("standsFor(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestIsPattern(t *testing.T) {
	for name, want := range map[string]bool{
		"web": false, "web:*": false, "web:x": false, "*": true, "w*:*": true, "web:x*": true, "w?b": true, "[ab]": true, "*:*": true,
	} {
		if got := isPattern(name); got != want {
			t.Errorf("isPattern(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestExpandGroups(t *testing.T) {
	groups := []string{"web", "worker", "w*"}
	got := expandGroups([]string{"w*", "we*", "x*", "w?????", "worker"}, groups)
	if want := []string{"w*", "web", "x*", "worker", "worker"}; !reflect.DeepEqual(got, want) {
		t.Errorf("expandGroups of %q = %q, want %q", groups, got, want)
	}
}

func TestColumns(t *testing.T) {
	tests := []struct {
		names string
		width int
		want  string
	}{
		{"a", 79, "a\n"},
		{"a bb c", 79, "a  bb  c\n"},
		{"a bb c", 5, "a   c\nbb\n"},
		{"a bb c", 2, "a \nbb\nc \n"},
		{"aaaa b ccc d e", 9, "aaaa  d\nb     e\nccc \n"},
	}
	for _, tt := range tests {
		if got := columns(strings.Fields(tt.names), tt.width); got != tt.want {
			t.Errorf("columns(%q, %d) = %q, want %q", tt.names, tt.width, got, tt.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	wrapped := func(err error) error {
		return &url.Error{Op: "Post", URL: "http://x", Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)}}
	}
	tests := []struct {
		err         error
		class, text string
	}{
		{&client.Fault{Code: 10, String: "BAD_NAME: it's"}, "xmlrpc.client.Fault", `<Fault 10: "BAD_NAME: it's">`},
		{&client.ProtocolError{Status: 500, Reason: "Internal Server Error"}, "xmlrpc.client.ProtocolError",
			"<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>"},
		{wrapped(syscall.EACCES), "PermissionError", "[Errno 13] Permission denied"},
		{wrapped(syscall.ECONNRESET), "ConnectionResetError", "[Errno " + number(syscall.ECONNRESET) + "] Connection reset by peer"},
		{wrapped(syscall.ENOTDIR), "NotADirectoryError", "[Errno 20] Not a directory"},
		{&url.Error{Op: "Post", URL: "x", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, "socket.gaierror",
			"[Errno -2] Name or service not known"},
		{&url.Error{Op: "Post", URL: "x", Err: io.EOF}, "http.client.RemoteDisconnected",
			"Remote end closed connection without response"},
		{&client.UnknownProtocolError{URL: "x:y"}, "ValueError", "Unknown protocol for serverurl x:y"},
		{errEndOfInput(), "EOFError", "EOF when reading a line"},
		{errors.New("else"), "OSError", "else"},
	}
	for _, tt := range tests {
		if class, text := describe(tt.err); class != tt.class || text != tt.text {
			t.Errorf("describe(%v) = %q, %q, want %q, %q", tt.err, class, text, tt.class, tt.text)
		}
	}
}

func number(errno syscall.Errno) string {
	_, text := describe(errno)
	return strings.TrimSuffix(strings.Fields(text)[1], "]")
}

func TestPrefixWriter(t *testing.T) {
	var out strings.Builder
	w := &prefixWriter{prefix: "a | ", w: &out, mu: new(sync.Mutex)}
	for _, part := range []string{"one\ntw", "o", "\n", "", "\nthree\nfo", "ur"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("Write(%q) = %d, %v", part, n, err)
		}
	}
	w.flush()
	w.flush()
	if want := "a | one\na | two\na | \na | three\na | four\n"; out.String() != want {
		t.Errorf("written %q, want %q", out.String(), want)
	}
}

func TestComplete(t *testing.T) {
	c := New(Options{Stdout: io.Discard, Stderr: io.Discard})
	c.known = some()
	tests := []struct {
		line string
		pos  int
		head string
		want string
		tail string
	}{
		{"sta", 3, "", "start ,status ", ""},
		{"help re", 7, "help ", "reload ,remove ,reread ,restart ", ""},
		{"start ca", 8, "start ", "cat ", ""},
		{"start w", 7, "start ", "web:web_0 ,web:* ,web:web_1 ,w* ", ""},
		{"start cat:", 10, "start ", "cat:cat ,cat:* ", ""},
		{"start web:web_0 mixed:", 22, "start web:web_0 ", "mixed:cat ,mixed:* ", ""},
		{"update w", 8, "update ", "web ,w* ", ""},
		{"signal U", 8, "signal ", "USR1 ,USR2 ", ""},
		{"version ", 8, "version ", "", ""},
		{"start ca and more", 8, "start ", "cat ", " and more"},
		{"\u00e4 sta", 1, "", "", " sta"},
	}
	for _, tt := range tests {
		head, got, tail := c.complete(tt.line, tt.pos)
		if head != tt.head || strings.Join(got, ",") != tt.want || tail != tt.tail {
			t.Errorf("complete(%q, %d) = %q, %q, %q, want %q, %q, %q", tt.line, tt.pos, head, got, tail, tt.head, tt.want, tt.tail)
		}
	}
}

func TestReadStatus(t *testing.T) {
	q, err := readStatus("--json a --wait running,EXITED --timeout=90 --b --x=y")
	want := statusRequest{names: []string{"a", "--b", "--x=y"}, json: true, wait: []string{"RUNNING", "EXITED"}, timeout: 90e9}
	if err != nil || !reflect.DeepEqual(q, want) {
		t.Errorf("readStatus = %+v, %v, want %+v", q, err, want)
	}
}
