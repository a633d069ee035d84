// Command crashsms is an event listener that gathers the processes of a
// supervisord that end unexpectedly, and sends one short mail about them a
// minute to a gateway that makes text messages of mails. It takes the place of
// superlance's crashsms: same options, same mail.
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
		Name: "crashsms",
		Purpose: `Gathers the processes of a supervisord that end unexpectedly, and sends one short
mail about all that did within a minute or another interval to a gateway that
makes text messages of mails, such as 5551234567@txt.example.com.`,
		Event: listener.ProcessStateExited,
		Line: func(p listener.ProcessState, at string) string {
			return fmt.Sprintf("[%s:%s](%d) exited unexpectedly %s", p.GroupName, p.ProcessName, p.PID, at)
		},
	}
}
