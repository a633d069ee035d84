package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

func TestOptionsInEachManner(t *testing.T) {
	read := func(args ...string) (o options, err error) {
		command, l := tool(io.Discard, io.Discard), newLimits()
		command.Option = l.take
		command.Run = func(c *cli.Context) error {
			o, err = readOptions(c, l)
			o.now = nil // functions cannot be compared
			return err
		}
		if status := command.Main(context.Background(), args); status != 0 && err == nil {
			err = errors.New("a usage error")
		}
		return o, err
	}
	checktest.Manners(t, read, [][4]string{
		{"c", "cumulative", "cum", ""}, {"p", "program", "prog", "web=1MB"}, {"g", "group", "gr", "web=2KB"}, {"a", "any", "an", "1GB"},
		{"s", "sendmail_program", "send", "cat"}, {"m", "email", "em", "a@b"}, {"u", "uptime", "up", "2h"}, {"n", "name", "na", "x"},
	})
}

func TestHelpNamesAllOptions(t *testing.T) { checktest.Help(t, usage(), flags()) }
