package batchmail

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
)

func TestOptionsInEachManner(t *testing.T) {
	tool := Tool{Name: "crashmailbatch", Event: listener.ProcessStateExited}
	read := func(args ...string) (o options, err error) {
		command := tool.Cmdline(io.Discard, io.Discard)
		command.Run = func(c *cli.Context) error {
			o, err = tool.readOptions(c)
			return err
		}
		args = append([]string{"-t", "a@b", "-f", "c@d", "-u", "user", "-p", "secret"}, args...)
		if status := command.Main(context.Background(), args); status != 0 && err == nil {
			err = errors.New("a usage error")
		}
		return o, err
	}
	checktest.Manners(t, read, [][4]string{
		{"i", "interval", "int", "5"}, {"t", "toEmail", "to", "x@y"}, {"f", "fromEmail", "from", "x@y"}, {"s", "subject", "sub", "S"},
		{"H", "smtpHost", "smtpH", "h:25"}, {"e", "tickEvent", "ti", "TICK_5"}, {"u", "userName", "user", "other"}, {"p", "password", "pass", "other"},
	})
}

func TestHelpNamesAllOptions(t *testing.T) { checktest.Help(t, Tool{Name: "x"}.usage(), flags()) }
