package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const (
	// commandTimeout bounds a command of the user's.
	commandTimeout = 5 * time.Minute
	// outputMax is how much of its output is kept, in bytes.
	outputMax = 64 << 10
)

// Shell runs a shell command with further arguments and returns what it has
// printed to its standard output, at most 64 KiB. Its standard error is this
// process's. When ctx is done, or after 5 minutes, it is killed, with all
// processes of its group.
func Shell(ctx context.Context, command string, args ...string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", command + ` "$@"`, "sh"}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	var out limited
	cmd.Stdout = &out
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("run %q: %w", command, ctx.Err())
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil // it has left something running, as a restart may
	case err != nil:
		err = fmt.Errorf("run %q: %w", command, err)
	}
	return string(out.kept), err
}

// limited keeps the first outputMax bytes that are written to it.
type limited struct{ kept []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p[:min(outputMax-len(l.kept), len(p))]...)
	return len(p), nil
}
