package ctl

import (
	"context"
	"sync"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func (c *Controller) doFg(ctx context.Context, arg string) error {
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	names := split(arg)
	switch {
	case len(names) == 0:
		c.misuse(exitGeneric, "ERROR: no process name supplied", "fg")
		return nil
	case len(names) > 1:
		c.exitStatus = exitGeneric
		c.output("ERROR: too many process names supplied")
		return nil
	}
	name := names[0]
	info, err := server.ProcessInfo(ctx, name)
	switch {
	case client.FaultCode(err) == client.BadName:
		c.exitStatus = exitGeneric
		c.output("ERROR: bad process name supplied")
		return nil
	case client.FaultCode(err) != 0:
		c.outputFault(err)
		return nil
	case err != nil:
		return err
	case info.State != client.Running:
		c.exitStatus = exitGeneric
		c.output("ERROR: process not running")
		return nil
	}
	return c.foreground(ctx, server, name)
}

func (c *Controller) outputFault(err error) {
	_, text := describe(err)
	c.output("ERROR: " + text)
}

// foreground shows what the process writes and sends it what the user types,
// until the user interrupts or ends the input, or the process is found dead.
func (c *Controller) foreground(ctx context.Context, server *client.Client, name string) error {
	ctx, stop := untilInterrupt(ctx)
	c.output(exitHint)
	var copying sync.WaitGroup
	for _, channel := range []string{"stdout", "stderr"} {
		copying.Go(func() { c.copyLog(ctx, server, logPath(name, channel), c.options.Stdout) }) // ended by stop
	}
	err := c.sendLines(ctx, server, name)
	stop()
	copying.Wait()
	if err == nil {
		c.output("Exiting foreground")
	}
	return err
}

// sendLines sends the process what the user types. Errors are those that the
// user has not been told.
func (c *Controller) sendLines(ctx context.Context, server *client.Client, name string) error {
	for {
		line, err := c.input().readLine(ctx, "")
		if err != nil {
			return nil // the end of the input, or an interrupt
		}
		err = server.SendProcessStdin(ctx, name, line+"\n")
		switch {
		case ctx.Err() != nil:
			return nil
		case client.FaultCode(err) == client.NotRunning:
			c.output("Process got killed")
			return nil
		case client.FaultCode(err) != 0:
			c.outputFault(err)
			return nil
		case err != nil:
			return err
		}
		info, err := server.ProcessInfo(ctx, name)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case info.State != client.Running:
			c.output("Process got killed")
			return nil
		}
	}
}
