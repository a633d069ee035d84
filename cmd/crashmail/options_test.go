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
		command := tool(io.Discard, io.Discard)
		command.Run = func(c *cli.Context) error {
			o, err = readOptions(c)
			return err
		}
		if status := command.Main(context.Background(), args); status != 0 && err == nil {
			err = errors.New("a usage error")
		}
		return o, err
	}
	checktest.Manners(t, read, [][4]string{
		{"p", "program", "prog", "web"}, {"a", "any", "an", ""}, {"o", "optionalheader", "opt", "x"},
		{"s", "sendmail_program", "send", "cat"}, {"m", "email", "em", "a@b"},
	})
}

func TestHelpNamesAllOptions(t *testing.T) { checktest.Help(t, usage(), flags()) }
