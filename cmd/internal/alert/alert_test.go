package alert

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

func TestSelection(t *testing.T) {
	for _, tt := range []struct {
		any      bool
		programs string
		group    string
		process  string
		want     bool
	}{
		{false, "", "web", "web_00", true}, // superlance mails for all
		{false, "cat", "cat", "cat", true},
		{false, "cat", "group1", "cat", true},
		{false, "cat", "cats", "cats", false},
		{false, "group1:cat", "group1", "cat", true},
		{false, "group1:cat", "group2", "cat", false},
		{false, "group1:cat", "cat", "cat", false},
		{false, "dog cat", "cat", "cat", true},
		{true, "dog", "cat", "cat", true},
		{false, "web:*", "web", "web_07", true},
		{false, "web:*", "webs", "web_07", false},
		{false, "web_0[0-3]", "web", "web_03", true},
		{false, "web_0[0-3]", "web", "web_04", false},
		{false, "web_?", "web", "web_1", true},
		{false, "*", "web", "a/b", true},
		{false, "[", "x", "[", true},
		{false, "[", "x", "y", false},
	} {
		s := Selection{Any: tt.any, Programs: strings.Fields(tt.programs)}
		if got := s.Has(tt.group, tt.process); got != tt.want {
			t.Errorf("%+v.Has(%q, %q) = %v, want %v", s, tt.group, tt.process, got, tt.want)
		}
	}
}

func TestIdentityIsThatOfTheDaemon(t *testing.T) {
	a, b := NewIdentity(os.Getppid()), NewIdentity(os.Getppid())
	other := NewIdentity(os.Getpid())
	if _, err := os.Stat("/proc/self/stat"); err == nil && a.MessageID(1, "x") != b.MessageID(1, "x") {
		t.Errorf("IDs of one event = %q and %q, want the same", a.MessageID(1, "x"), b.MessageID(1, "x"))
	}
	seen := map[string]string{}
	for name, id := range map[string]string{
		"event": a.MessageID(1, "x"), "another serial": a.MessageID(2, "x"), "another daemon": other.MessageID(1, "x"),
		"facts that look alike": a.MessageID("1 x"), "no daemon": NewIdentity(-1).MessageID(1, "x"),
		"no daemon again": NewIdentity(-1).MessageID(1, "x"),
	} {
		if before, ok := seen[id]; ok {
			t.Errorf("IDs of %q and %q = %q, want two", before, name, id)
		}
		seen[id] = name
	}
}

func TestStderrBeginsLogLinesOnANewLine(t *testing.T) {
	var b bytes.Buffer
	s := NewStderr(&b)
	s.Text("unexpected exit, mailing\n")
	s.Text("Mailed:\n\nTo: x")
	_, _ = s.Write([]byte("level=INFO\n"))
	_, _ = s.Write([]byte("level=WARN\n"))
	s.Text("Mailed:\n\nTo: y")
	s.Text("unexpected exit, mailing\n")
	const want = "unexpected exit, mailing\nMailed:\n\nTo: x\nlevel=INFO\nlevel=WARN\nMailed:\n\nTo: yunexpected exit, mailing\n"
	if b.String() != want {
		t.Errorf("standard error = %q, want %q", b.String(), want)
	}
}

func TestOpenQueueFallsBackToMemory(t *testing.T) {
	for _, tt := range []struct {
		dir     string
		durable bool
	}{{filepath.Join(t.TempDir(), "spool"), true}, {"/dev/null/spool", false}} {
		var b bytes.Buffer
		q, durable := OpenQueue(tt.dir, "crashmail", NewStderr(&b).Logger())
		if err := q.Put(notify.Message{ID: "a"}); err != nil {
			t.Errorf("Put = %v, want nil", err)
		}
		names, err := q.Waiting()
		warnings := strings.Count(b.String(), "level=WARN")
		if durable != tt.durable || len(names) != 1 || err != nil || (warnings == 1) == tt.durable {
			t.Errorf("OpenQueue(%q): durable = %v, waiting = %q, %v, log = %q; want %v, one, and one warning unless durable",
				tt.dir, durable, names, err, b.String(), tt.durable)
		}
	}
}

func TestCheckSpoolNamesTheFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, want string }{
		{dir, ""},
		{filepath.Join(dir, "not", "yet", "there"), ""},
		{file, "folder \"" + file + "/g\" cannot be written"},
		{filepath.Join(file, "below"), "not a directory"},
		{"/proc/spool", "name another with --spool"},
	} {
		err := CheckSpool(tt.dir, "g")
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("CheckSpool(%q) = %v, want %q", tt.dir, err, tt.want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("folder after CheckSpool = %v, %v; want it as it was", entries, err)
	}
}

func TestStateFileIsReplacedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	f := NewStateFile(dir, "g", "state.json")
	if data, err := f.Load(); data != nil || err != nil {
		t.Errorf("Load before Save = %q, %v; want nothing", data, err)
	}
	for _, text := range []string{"long text", "short"} {
		if err := f.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if data, err := f.Load(); string(data) != text || err != nil {
			t.Errorf("Load = %q, %v; want %q", data, err, text)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "g")); err != nil || len(entries) != 1 {
		t.Errorf("folder = %v, %v; want one file", entries, err)
	}
	var none StateFile
	if data, err := none.Load(); none.Save([]byte("x")) != nil || data != nil || err != nil {
		t.Errorf("zero StateFile: Load = %q, %v; want that it keeps nothing", data, err)
	}
}

func TestLastLines(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		cut  bool
		want string
	}{
		{"", 3, false, ""},
		{"a\nb\nc\n", 2, false, "b\nc"},
		{"a\nb\nc", 5, false, "a\nb\nc"},
		{"rt of a\nb\nc\n", 5, true, "b\nc"},
		{"one endless line", 5, true, "one endless line"},
	} {
		if got := lastLines(tt.text, tt.n, tt.cut); got != tt.want {
			t.Errorf("lastLines(%q, %d, %v) = %q, want %q", tt.text, tt.n, tt.cut, got, tt.want)
		}
	}
}

func TestLogTailReadsOverTheSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		switch {
		case user != "u" || password != "p":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(body.String(), "tailProcessStderrLog"):
			_, _ = fmt.Fprint(w, `<?xml version='1.0'?><methodResponse><fault><value><struct>`+
				`<member><name>faultCode</name><value><int>20</int></value></member>`+
				`<member><name>faultString</name><value><string>NO_FILE</string></value></member>`+
				`</struct></value></fault></methodResponse>`)
		case strings.Contains(body.String(), "g:p"):
			_, _ = fmt.Fprint(w, "<?xml version='1.0'?><methodResponse><params><param><value><array><data>"+
				"<value><string>first\n\x1b[1mbold &lt;\xff\nlast\n</string></value>"+
				"<value><int>30</int></value><value><boolean>0</boolean></value>"+
				"</data></array></value></param></params></methodResponse>")
		}
	}))
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()

	tail, err := NewLogTail(listener.Environment{ServerURL: "unix://" + socket, Username: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tail.Stdout(t.Context(), "g", "p", 2)
	if want := "\uFFFD[1mbold <\uFFFD\nlast"; got != want || err != nil {
		t.Errorf("Stdout() = %q, %v; want %q", got, err, want)
	}
	if got, err := tail.Stderr(t.Context(), "g", "p", 2); got != "" || err != nil {
		t.Errorf("Stderr() without a log = %q, %v; want nothing", got, err)
	}
	tail.password = "secret-and-wrong"
	if _, err := tail.Stdout(t.Context(), "g", "p", 2); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "401") {
		t.Errorf("Stdout() with a wrong password = %v, want an error with 401 and without it", err)
	}
	if _, err := NewLogTail(listener.Environment{}); err == nil {
		t.Error("NewLogTail without a server = nil, want an error")
	}
}

// read reads options as a command does.
func read(t *testing.T, args ...string) (o MailOptions, err error) {
	t.Helper()
	app := &cli.App{Flags: MailFlags(), HideHelp: true, HideVersion: true, Action: func(c *cli.Context) error {
		o, err = ReadMail(c, "/usr/sbin/sendmail -t -i", "tool@host")
		return nil
	}}
	if err := app.Run(append([]string{"tool"}, args...)); err != nil {
		t.Fatalf("Run(%q) = %v", args, err)
	}
	return o, err
}

func TestReadMail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(" from file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PasswordVariable, "from environment")
	for _, tt := range []struct {
		args     string
		host     string
		port     int
		password string
		from     string
		error    string
	}{
		{"", "", 0, "", "", ""},
		{"--smtp-host h", "h", 0, "from environment", "tool@host", ""},
		{"--smtp-host h:2525 --from a@b", "h", 2525, "from environment", "a@b", ""},
		{"--smtp-host [::1]:2525 --smtp-port 25", "::1", 25, "from environment", "tool@host", ""},
		{"--smtp-host h --smtp-user u --smtp-password typed", "h", 0, "typed", "tool@host", ""},
		{"--smtp-host h --smtp-user u --smtp-password-file " + file, "h", 0, " from file ", "tool@host", ""},
		{"--smtp-host h --smtp-password-file " + file, "h", 0, " from file ", "tool@host", "without --smtp-user"},
		{"--smtp-host h --smtp-password-file /missing", "h", 0, "", "tool@host", "/missing"},
		{"--smtp-host h --smtp-port smtp", "h", 0, "", "tool@host", `--smtp-port "smtp"`},
		{"--smtp-user u", "", 0, "", "", "--smtp-user without --smtp-host"},
	} {
		o, err := read(t, strings.Fields(tt.args)...)
		got := []any{o.SMTP.Host, o.SMTP.Port, o.SMTP.Password, o.SMTP.From}
		want := []any{tt.host, tt.port, tt.password, tt.from}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("ReadMail(%q) = %q, want %q", tt.args, got, want)
		}
		if (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
			t.Errorf("ReadMail(%q) error = %v, want %q", tt.args, err, tt.error)
		}
	}
}

func TestTargets(t *testing.T) {
	sendmail, err := read(t)
	if err != nil {
		t.Fatal(err)
	}
	smtp, err := read(t, "--smtp-host", "h")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o          MailOptions
		recipients []string
		want       []string
	}{
		{sendmail, []string{"root"}, []string{"root"}},
		{sendmail, []string{"a@x, b@x", "c@x"}, []string{"a@x, b@x, c@x"}},
		{smtp, []string{"a@x, Bob <b@x>", "c@x"}, []string{"a@x", "b@x", "c@x"}},
		{smtp, []string{"root"}, nil},
	} {
		got, err := tt.o.Targets(tt.recipients)
		if !reflect.DeepEqual(got, tt.want) || (err != nil) != (tt.want == nil) {
			t.Errorf("Targets(%q) = %q, %v; want %q", tt.recipients, got, err, tt.want)
		}
	}
}
