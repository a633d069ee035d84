package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/listener"
)

// LogTail reads the last lines of processes' logs from the daemon's XML-RPC
// server.
type LogTail struct {
	url            string
	user, password string
	client         *http.Client
}

const (
	tailTimeout = 2 * time.Second
	// lineGuess is how many bytes of the log are asked for a line; tailMax is
	// the most that is asked for.
	lineGuess = 200
	tailMin   = 8 << 10
	tailMax   = 64 << 10
	// replyMax is the longest reply that is read, in bytes: tailMax, escaped.
	replyMax = 1 << 20
)

// NewLogTail returns a LogTail for the daemon that env names. The error says
// that it names none that can be asked.
func NewLogTail(env listener.Environment) (*LogTail, error) {
	t := &LogTail{user: env.Username, password: env.Password}
	transport := &http.Transport{}
	switch {
	case env.ServerURL == "":
		return nil, errors.New("find the daemon's XML-RPC server: SUPERVISOR_SERVER_URL is not set; it needs a [unix_http_server] section")
	case strings.HasPrefix(env.ServerURL, "unix://"):
		socket := strings.TrimPrefix(env.ServerURL, "unix://")
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		t.url = "http://localhost/RPC2"
	default:
		t.url = strings.TrimSuffix(env.ServerURL, "/") + "/RPC2"
	}
	t.client = &http.Client{Transport: transport, Timeout: tailTimeout}
	return t, nil
}

// Stdout returns up to n whole lines from the end of a process's stdout log.
func (t *LogTail) Stdout(ctx context.Context, group, process string, n int) (string, error) {
	return t.tail(ctx, "supervisor.tailProcessStdoutLog", group, process, n)
}

// Stderr returns up to n whole lines from the end of a process's stderr log.
// It is empty, without an error, for a process that has none.
func (t *LogTail) Stderr(ctx context.Context, group, process string, n int) (string, error) {
	text, err := t.tail(ctx, "supervisor.tailProcessStderrLog", group, process, n)
	var fault xmlrpc.FaultError
	if errors.As(err, &fault) && fault.Code == faultNoFile {
		return "", nil
	}
	return text, err
}

// faultNoFile is Supervisor's NO_FILE.
const faultNoFile = 20

func (t *LogTail) tail(ctx context.Context, method, group, process string, n int) (string, error) {
	length := min(max(n*lineGuess, tailMin), tailMax)
	var result []any
	if err := t.call(ctx, &result, method, group+":"+process, 0, length); err != nil {
		return "", fmt.Errorf("read log of %s:%s: %w", group, process, err)
	}
	if len(result) < 1 {
		return "", fmt.Errorf("read log of %s:%s: empty answer", group, process)
	}
	text, ok := result[0].(string)
	if !ok && result[0] != nil { // an empty string is read as nil
		return "", fmt.Errorf("read log of %s:%s: answer %T, want a string", group, process, result[0])
	}
	cut := len(text) >= length-4 // at least a part of a character may be missing
	return lastLines(text, n, cut), nil
}

// lastLines returns the last n lines of text. Where its beginning is cut off,
// the first line is not a whole one and does not count.
func lastLines(text string, n int, cut bool) string {
	lines := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	if cut && len(lines) > 1 {
		lines = lines[1:]
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

func (t *LogTail) call(ctx context.Context, result any, method string, args ...any) error {
	request, err := xmlrpc.NewRequest(t.url, method, args)
	if err != nil {
		return err
	}
	if t.user != "" {
		request.SetBasicAuth(t.user, t.password)
	}
	response, err := t.client.Do(request.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("server answered %q", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, replyMax))
	if err != nil {
		return err
	}
	reply := xmlrpc.Response(cleanXML(body))
	if err := reply.Err(); err != nil {
		return err
	}
	return reply.Unmarshal(result)
}

// cleanXML replaces what Python's Supervisor puts into a reply and XML does
// not allow: control characters and bytes that are no text.
func cleanXML(body []byte) []byte {
	return []byte(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(string(body), "\uFFFD")))
}

// MainLog returns the last n bytes of the daemon's own log.
func (t *LogTail) MainLog(ctx context.Context, n int) (string, error) {
	var text string
	if err := t.call(ctx, &text, "supervisor.readLog", -n, 0); err != nil {
		return "", fmt.Errorf("read the daemon's log: %w", err)
	}
	return text, nil
}

// SpawnError returns what the daemon says about the last failed start of a
// process; nothing where there is none.
func (t *LogTail) SpawnError(ctx context.Context, group, process string) (string, error) {
	var info struct {
		SpawnErr string `xmlrpc:"spawnerr"`
	}
	if err := t.call(ctx, &info, "supervisor.getProcessInfo", group+":"+process); err != nil {
		return "", fmt.Errorf("ask about %s:%s: %w", group, process, err)
	}
	return info.SpawnErr, nil
}

// Answers asks the daemon for its state, to find out whether it can be asked.
func (t *LogTail) Answers(ctx context.Context) error {
	var state struct {
		Name string `xmlrpc:"statename"`
	}
	return t.call(ctx, &state, "supervisor.getState")
}
