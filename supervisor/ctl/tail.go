package ctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// defaultTail is how many bytes of a log are shown.
const defaultTail = 1600

// followModifier is the argument that asks for a log's end and all that is
// added to it.
const followModifier = "-f"

func (c *Controller) doTail(ctx context.Context, arg string) error {
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	words := split(arg)
	if len(words) > 1 && words[0] == followModifier {
		logs, err := c.severalLogs(ctx, server, words[1:])
		if err != nil {
			return err
		}
		if logs != nil {
			c.followSeveral(ctx, server, logs)
			return nil
		}
	}
	switch {
	case len(words) < 1:
		c.misuse(exitGeneric, "Error: too few arguments", "tail")
		return nil
	case len(words) > 3:
		c.misuse(exitGeneric, "Error: too many arguments", "tail")
		return nil
	}
	modifier := ""
	if strings.HasPrefix(words[0], "-") {
		modifier, words = words[0], words[1:]
	}
	channel := "stdout"
	switch len(words) {
	case 0:
		c.exitStatus = exitGeneric
		c.output("Error: tail requires process name")
		return nil
	case 1:
	default:
		channel = strings.ToLower(words[len(words)-1])
		if !isChannel(channel) {
			c.exitStatus = exitGeneric
			c.output("Error: bad channel " + config.PyRepr(channel))
			return nil
		}
	}
	if modifier == followModifier {
		return c.follow(ctx, server, logPath(words[0], channel))
	}
	return c.tail(ctx, server, words[0], channel, modifier)
}

func isChannel(word string) bool { return word == "stdout" || word == "stderr" }

func logPath(namespec, channel string) string { return "/logtail/" + namespec + "/" + channel }

// tail shows the end of a process's log.
func (c *Controller) tail(ctx context.Context, server *client.Client, name, channel, modifier string) error {
	offset, err := c.tailOffset(modifier)
	if err != nil {
		return err
	}
	if offset == nil {
		return nil
	}
	read := server.ReadStdoutLog
	if channel == "stderr" {
		read = server.ReadStderrLog
	}
	text, err := read(ctx, name, *offset, 0)
	return c.showLog(name, text, err, map[int]string{
		client.NoFile:  "no log file",
		client.Failed:  "unknown error reading log",
		client.BadName: "no such process name",
	})
}

// tailOffset returns where to read a log from, as the calls want it: as many
// bytes before its end as the modifier says. It returns nil for a modifier
// that is wrong, of which it has told the user.
func (c *Controller) tailOffset(modifier string) (*int, error) {
	n := defaultTail
	if modifier != "" {
		var err error
		if n, err = config.ParseInteger(modifier[1:]); err != nil {
			c.exitStatus = exitGeneric
			c.output("Error: bad argument " + modifier)
			return nil, nil
		}
	}
	n = -n
	if n > math.MaxInt32 || n < math.MinInt32 {
		return nil, &pyError{"OverflowError", "int exceeds XML-RPC limits"}
	}
	return &n, nil
}

// showLog prints the text of a log, or, in the words given for the code of
// the fault, why there is none. Other errors it returns.
func (c *Controller) showLog(name, text string, err error, words map[int]string) error {
	if err == nil {
		c.output(text)
		return nil
	}
	word, ok := words[client.FaultCode(err)]
	if !ok {
		return err
	}
	c.exitStatus = exitGeneric
	c.output(name + ": ERROR (" + word + ")")
	return nil
}

func (c *Controller) doMaintail(ctx context.Context, arg string) error {
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	words := split(arg)
	modifier := ""
	switch {
	case len(words) > 1:
		c.misuse(exitGeneric, "Error: too many arguments", "maintail")
		return nil
	case len(words) == 1 && !strings.HasPrefix(words[0], "-"):
		c.exitStatus = exitGeneric
		c.output("Error: bad argument " + words[0])
		return nil
	case len(words) == 1:
		modifier = words[0]
	}
	if modifier == followModifier {
		return c.follow(ctx, server, "/mainlogtail")
	}
	offset, err := c.tailOffset(modifier)
	if err != nil || offset == nil {
		return err
	}
	text, err := server.ReadMainLog(ctx, *offset, 0)
	return c.showLog("supervisord", text, err, map[int]string{
		client.NoFile: "no log file",
		client.Failed: "unknown error reading log",
	})
}

// exitHint is shown before something that only ^C ends.
const exitHint = "==> Press Ctrl-C to exit <=="

// follow copies a log to standard output until the user interrupts it or the
// server ends.
func (c *Controller) follow(ctx context.Context, server *client.Client, path string) error {
	ctx, stop := untilInterrupt(ctx)
	defer stop()
	c.output(exitHint)
	c.copyLog(ctx, server, path, c.options.Stdout)
	if ctx.Err() != nil {
		c.output("")
	}
	return nil
}

// copyLog copies a log to w until it ends or ctx does. Its errors it tells the
// user itself, as the reference does; they have no effect on the exit status.
func (c *Controller) copyLog(ctx context.Context, server *client.Client, path string, w io.Writer) {
	body, err := server.Stream(ctx, path)
	if err == nil {
		_, err = io.Copy(w, body)
		_ = body.Close() // read to its end
		if err == nil || ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	var refused *client.ProtocolError
	if errors.As(err, &refused) {
		c.complain("%s%s Cannot read, status code %d", c.options.Server.URL, path, refused.Status)
		return
	}
	class, text := describe(err)
	c.complain("%s%s Cannot connect, error: <class '%s'> (%s)", c.options.Server.URL, path, class, text)
}

// namedLog is one of several logs that are followed.
type namedLog struct{ name, path string }

// severalLogs returns the logs that the arguments of tail -f name, when they
// name more than one: processes, groups and patterns, and at the end perhaps
// a channel. It returns nil when they are not of that kind; the single log or
// the complaint is then the reference's.
func (c *Controller) severalLogs(ctx context.Context, server *client.Client, words []string) ([]namedLog, error) {
	channel := "stdout"
	if last := strings.ToLower(words[len(words)-1]); len(words) > 1 && isChannel(last) {
		channel, words = last, words[:len(words)-1]
	}
	if len(words) == 1 && !strings.ContainsAny(words[0], "*?[") {
		return nil, nil
	}
	infos, err := server.AllProcessInfo(ctx)
	if err != nil {
		return nil, err
	}
	var logs []namedLog
	for _, word := range words {
		found, _ := statusRequest{names: []string{word}}.selected(infos)
		if len(found) == 0 {
			return nil, nil
		}
		for _, info := range found {
			name := makeNamespec(info.Group, info.Name)
			logs = append(logs, namedLog{name, logPath(name, channel)})
		}
	}
	return logs, nil
}

// followSeveral copies several logs at once, line by line, each line with the
// name of its process before it.
func (c *Controller) followSeveral(ctx context.Context, server *client.Client, logs []namedLog) {
	ctx, stop := untilInterrupt(ctx)
	defer stop()
	c.output(exitHint)
	width := 0
	for _, log := range logs {
		width = max(width, len(log.name))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, log := range logs {
		prefix := log.name + strings.Repeat(" ", width-len(log.name)) + " | "
		// Each ends with its log, or with ctx.
		all.Go(func() {
			w := &prefixWriter{prefix: prefix, w: c.options.Stdout, mu: &mu}
			c.copyLog(ctx, server, log.path, w)
			w.flush()
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		c.output("")
	}
}

// prefixWriter passes whole lines on, with a prefix, one writer at a time.
type prefixWriter struct {
	prefix string
	w      io.Writer
	mu     *sync.Mutex // of w
	rest   []byte      // the line that is not complete yet
}

func (p *prefixWriter) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	end := bytes.LastIndexByte(p.rest, '\n') + 1
	if end == 0 {
		return len(data), nil
	}
	var b bytes.Buffer
	for line := range bytes.Lines(p.rest[:end]) {
		b.WriteString(p.prefix)
		b.Write(line)
	}
	p.rest = append(p.rest[:0], p.rest[end:]...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(data), nil
}

// flush passes on what is left, as a line.
func (p *prefixWriter) flush() {
	if len(p.rest) > 0 {
		_, _ = p.Write([]byte("\n")) // nobody is left to tell
	}
}
