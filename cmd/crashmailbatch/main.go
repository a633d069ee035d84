// Command crashmailbatch is an event listener that gathers the processes of a
// supervisord that end unexpectedly, and sends one mail about them a minute. It
// takes the place of superlance's crashmailbatch: same options, same mail.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail"
	"github.com/vigilance-go/vigilance/listener"
)

func main() {
	os.Exit(tool().Cmdline(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

func tool() batchmail.Tool {
	return batchmail.Tool{
		Name: "crashmailbatch",
		Purpose: `Gathers the processes of a supervisord that end unexpectedly, and sends one mail
about all that did within a minute or another interval.`,
		Event:   listener.ProcessStateExited,
		Subject: "Crash alert from supervisord",
		Line: func(p listener.ProcessState, at string) string {
			return fmt.Sprintf("%s -- Process %s:%s (pid %d) died unexpectedly", at, p.GroupName, p.ProcessName, p.PID)
		},
	}
}
