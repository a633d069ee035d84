package ctl

import (
	"context"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func (c *Controller) doQuit(context.Context, string) error {
	c.output("")
	c.quit = true
	return nil
}

func (c *Controller) doOpen(ctx context.Context, arg string) error {
	scheme, _, _ := strings.Cut(arg, ":")
	switch strings.ToLower(arg[:min(len(arg), len(scheme)+1)]) {
	case "unix:", "http:", "https:":
	default:
		c.output("ERROR: url must be http:// or unix://")
		c.exitStatus = exitGeneric
		return nil
	}
	c.disconnect()
	c.options.Server.URL, c.options.Origin = arg, "the open action"
	before := c.exitStatus
	err := c.doStatus(ctx, "")
	if err == nil {
		c.exitStatus = before
	}
	return err
}

// sure asks whether the user means it, when there is someone to ask.
func (c *Controller) sure(ctx context.Context, question string) (bool, error) {
	if !c.options.Interactive {
		return true, nil
	}
	answer, err := c.ask(ctx, question)
	return strings.HasPrefix(strings.ToLower(answer), "y"), err
}

func (c *Controller) doShutdown(ctx context.Context, arg string) error {
	if arg != "" {
		c.misuse(exitGeneric, "Error: shutdown accepts no arguments", "shutdown")
		return nil
	}
	really, err := c.sure(ctx, "Really shut the remote supervisord process down y/N? ")
	if !really || err != nil {
		return err
	}
	server, err := c.server()
	if err != nil {
		return err
	}
	err = server.Shutdown(ctx)
	switch {
	case err == nil:
		c.output("Shut down")
	case client.FaultCode(err) == client.ShutdownState:
		c.output("ERROR: already shutting down") // no failure, as in the reference
	case connectionRefused(err):
		c.exitStatus = exitGeneric
		c.outputf("ERROR: %s refused connection (already shut down?)", c.options.Server.URL)
	case noSuchFile(err):
		c.exitStatus = exitGeneric
		c.outputf("ERROR: %s no such file (already shut down?)", c.options.Server.URL)
	default:
		return err
	}
	return nil
}

func (c *Controller) doReload(ctx context.Context, arg string) error {
	if arg != "" {
		c.misuse(exitGeneric, "Error: reload accepts no arguments", "reload")
		return nil
	}
	really, err := c.sure(ctx, "Really restart the remote supervisord process y/N? ")
	if !really || err != nil {
		return err
	}
	server, err := c.server()
	if err != nil {
		return err
	}
	if err := server.Restart(ctx); err != nil {
		return c.refused(err, map[int]string{client.ShutdownState: "already shutting down"})
	}
	c.output("Restarted supervisord")
	return nil
}
