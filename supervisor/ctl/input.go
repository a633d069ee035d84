package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/peterh/liner"
	"golang.org/x/term"
)

// lineReader is where lines come from that the user types.
type lineReader interface {
	// readLine shows the prompt and returns the line that follows it. The
	// error is io.EOF at the end of the input, and errInterrupted on ^C.
	readLine(ctx context.Context, prompt string) (string, error)
	// remember keeps a line for later recall.
	remember(line string)
	close()
}

// errInterrupted says that the user pressed ^C instead of an answer.
var errInterrupted = errors.New("interrupted")

// plainReader reads lines from a pipe, a file, or a terminal that cannot do
// more.
type plainReader struct {
	in  *os.File
	out io.Writer
	// Each value of asks is a wish for one line, and brings one to lines, which
	// is closed at the end of the input. Both are nil until the first.
	asks    chan struct{}
	lines   chan string
	pending bool // a line was wished for and did not come before an interrupt
}

func (p *plainReader) readLine(ctx context.Context, prompt string) (string, error) {
	if p.lines == nil {
		p.asks, p.lines = make(chan struct{}, 1), make(chan string)
		// Ends with the input, or with the program: a read cannot be called
		// off, and what it returns after an interrupt must not be lost.
		go p.serve()
	}
	_, _ = io.WriteString(p.out, prompt)
	if !p.pending {
		p.asks <- struct{}{}
		p.pending = true
	}
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", io.EOF // now and ever
		}
		p.pending = false
		return line, nil
	case <-ctx.Done():
		return "", errInterrupted
	}
}

// serve reads no line before it is asked for: a password may be read from the
// same terminal in between.
func (p *plainReader) serve() {
	defer close(p.lines)
	in := bufio.NewReader(p.in)
	for range p.asks {
		line, err := in.ReadString('\n')
		if err == nil || line != "" {
			p.lines <- strings.TrimSuffix(line, "\n")
			continue
		}
		return
	}
}

func (p *plainReader) remember(string) {}
func (p *plainReader) close()          {}

// editor reads lines from a terminal, with editing, history and completion.
type editor struct {
	state   *liner.State
	history *os.File // nil when none is kept
}

// historyLine is the longest line that is taken over from a history file, in
// bytes; liner refuses files with longer ones.
const historyLine = 4000

// newEditor prepares the terminal. An unusable history file is no reason not
// to go on: the error is for the user, beside a usable editor.
func newEditor(historyFile string, complete liner.WordCompleter) (*editor, error) {
	e := &editor{state: liner.NewLiner()}
	e.state.SetCtrlCAborts(true)
	e.state.SetTabCompletionStyle(liner.TabPrints)
	e.state.SetWordCompleter(complete)
	if historyFile == "" {
		return e, nil
	}
	file, err := os.OpenFile(historyFile, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return e, fmt.Errorf("keep no history: %w", err)
	}
	e.history = file
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); len(line) <= historyLine && strings.ToValidUTF8(line, "") == line {
			e.state.AppendHistory(line)
		}
	}
	return e, nil
}

func (e *editor) readLine(_ context.Context, prompt string) (string, error) {
	line, err := e.state.Prompt(printable(prompt))
	if errors.Is(err, liner.ErrPromptAborted) {
		return "", errInterrupted
	}
	return line, err
}

// printable leaves out what the editor refuses in a prompt.
func printable(prompt string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) {
			return -1
		}
		return r
	}, prompt)
}

// remember adds the line to the history file at once, so that no end of the
// program and no second shell loses it.
func (e *editor) remember(line string) {
	if strip(line) == "" {
		return
	}
	e.state.AppendHistory(line)
	if e.history != nil {
		_, _ = io.WriteString(e.history, line+"\n") // not worth an interruption
	}
}

func (e *editor) close() {
	_ = e.state.Close() // as good as it gets
	if e.history != nil {
		_ = e.history.Close() // written line by line
	}
}

// input returns where the user's lines come from: the shell's editor when
// there is one, and standard input as it is otherwise.
func (c *Controller) input() lineReader {
	if c.in == nil {
		c.in = &plainReader{in: c.options.Stdin, out: c.options.Stdout}
	}
	return c.in
}

// openEditor makes a terminal the place where lines are edited.
func (c *Controller) openEditor() {
	out, ok := c.terminal.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) || !term.IsTerminal(int(c.options.Stdin.Fd())) || !liner.TerminalSupported() {
		return
	}
	e, err := newEditor(c.options.HistoryFile, c.complete)
	if err != nil {
		c.complain("supervisorctl: %v", err)
	}
	c.in = e
}

// ask returns the answer to a question.
func (c *Controller) ask(ctx context.Context, question string) (string, error) {
	answer, err := c.input().readLine(ctx, question)
	switch {
	case errors.Is(err, io.EOF):
		return "", errEndOfInput()
	case errors.Is(err, errInterrupted):
		return "", context.Canceled
	}
	return answer, err
}

// askCredentials asks who the user is, for the calls from now on.
func (c *Controller) askCredentials(ctx context.Context) error {
	username, err := c.ask(ctx, "Username:")
	if err != nil {
		return err
	}
	password, err := c.askPassword(ctx)
	if err != nil {
		return err
	}
	c.output("")
	c.disconnect()
	c.options.Server.Username, c.options.Server.Password = &username, &password
	return nil
}

// askPassword reads a password from the terminal without showing it, or from
// standard input where there is no terminal.
func (c *Controller) askPassword(ctx context.Context) (string, error) {
	const prompt = "Password:"
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		_, _ = io.WriteString(c.options.Stderr, "Warning: Password input may be echoed.\n"+prompt)
		password, err := c.ask(ctx, "")
		if errors.As(err, new(*pyError)) {
			return "", errNoPassword()
		}
		c.complain("")
		return password, err
	}
	defer func() { _ = tty.Close() }() // only read from
	if e, ok := c.in.(*editor); ok {
		password, err := e.state.PasswordPrompt(prompt)
		switch {
		case errors.Is(err, io.EOF):
			return "", errNoPassword()
		case errors.Is(err, liner.ErrPromptAborted):
			return "", context.Canceled
		}
		return password, err
	}
	_, _ = io.WriteString(tty, prompt)
	password, err := term.ReadPassword(int(tty.Fd()))
	_, _ = io.WriteString(tty, "\n")
	if errors.Is(err, io.EOF) {
		return "", errNoPassword()
	}
	return string(password), err
}
