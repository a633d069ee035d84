// Command fatalmailbatch is an event listener that gathers the processes that a
// supervisord has given up starting, and sends one mail about them a minute. It
// takes the place of superlance's fatalmailbatch: same options, same mail.
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
		Name: "fatalmailbatch",
		Purpose: `Gathers the processes that a supervisord has given up starting (FATAL), and sends
one mail about all of them within a minute or another interval.`,
		Event:   listener.ProcessStateFatal,
		Subject: "Fatal start alert from supervisord",
		Line: func(p listener.ProcessState, at string) string {
			return fmt.Sprintf("%s -- Process %s:%s failed to start too many times", at, p.GroupName, p.ProcessName)
		},
	}
}
