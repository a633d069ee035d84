package ctl

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/peterh/liner"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// endOfInput is the line that stands for the end of the input.
const endOfInput = "EOF"

// Shell shows the status of all processes, then carries out line after line of
// the input until it ends, the user quits or interrupts.
func (c *Controller) Shell(ctx context.Context) {
	c.openEditor()
	if !c.shellDo(ctx, "status") {
		return
	}
	for {
		line, err := c.shellLine(ctx)
		switch {
		case errors.Is(err, errInterrupted):
			if _, ok := c.in.(*editor); !ok { // which has ended its line itself
				c.output("")
			}
			return
		case err != nil:
			line = endOfInput
		default:
			c.in.remember(line)
		}
		if !c.shellDo(ctx, line) {
			return
		}
	}
}

func (c *Controller) shellLine(ctx context.Context) (string, error) {
	ctx, stop := untilInterrupt(ctx)
	defer stop()
	return c.input().readLine(ctx, c.options.Prompt+"> ")
}

// shellDo carries out one line; false means that the shell is to end.
func (c *Controller) shellDo(ctx context.Context, line string) bool {
	ctx, stop := untilInterrupt(ctx)
	defer stop()
	c.Do(ctx, line)
	if c.interrupt {
		c.output("")
	}
	return !c.quit && !c.interrupt
}

// complete returns what the word at the cursor may become, as liner wants it.
func (c *Controller) complete(line string, pos int) (head string, completions []string, tail string) {
	runes := []rune(line)
	line, tail = string(runes[:pos]), string(runes[pos:])
	start := strings.LastIndexFunc(line, isSpace) + 1
	head, word := line[:start], line[start:]
	for _, candidate := range c.candidates(split(head), word) {
		if strings.HasPrefix(candidate, word) {
			completions = append(completions, candidate+" ")
		}
	}
	return head, completions, tail
}

// candidates returns what may stand after the words before it.
func (c *Controller) candidates(before []string, word string) []string {
	var names []string
	switch {
	case len(before) == 0, len(before) == 1 && before[0] == "help":
		for _, a := range actions() {
			names = append(names, a.name)
		}
		return names
	case len(before) == 1 && before[0] == "signal":
		return []string{"HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "CONT", "STOP"}
	}
	switch before[0] {
	case "add", "remove", "update":
		return groupsOf(c.knownProcesses())
	case "clear", "fg", "pid", "restart", "signal", "start", "status", "stop", "tail":
		return processCandidates(c.knownProcesses(), word)
	}
	return nil
}

// processCandidates returns the names of processes and groups. A process that
// is alone in a group of its name needs no group, unless one is being typed.
func processCandidates(infos []client.ProcessInfo, word string) []string {
	var names []string
	seen := map[string]bool{}
	for _, info := range infos {
		if info.Group == info.Name && !strings.Contains(word, ":") {
			names = append(names, info.Name)
			continue
		}
		names = append(names, info.Group+":"+info.Name)
		if !seen[info.Group] {
			seen[info.Group] = true
			names = append(names, info.Group+":*")
		}
	}
	return names
}

// completionLimit is how long a completion may take: the terminal waits for it.
const completionLimit = 3 * time.Second

// knownProcesses returns the server's processes, or none where it cannot be
// asked. Several completions of one line ask once.
func (c *Controller) knownProcesses() []client.ProcessInfo {
	if c.known != nil {
		return c.known
	}
	server, err := c.server()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionLimit)
	defer cancel()
	infos, err := server.AllProcessInfo(ctx)
	if err != nil {
		return nil
	}
	c.known = infos
	return infos
}

var _ liner.WordCompleter = (*Controller)(nil).complete
