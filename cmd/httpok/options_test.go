package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/internal/cmdline"
)

func TestOptionsInEachManner(t *testing.T) {
	read := func(args ...string) (o options, err error) {
		eager := true
		command := tool(io.Discard, io.Discard)
		command.Option = func(o cmdline.Option) error {
			eager = o.Name != "not-eager"
			return nil
		}
		command.Run = func(c *cli.Context) error {
			o, err = readOptions(c)
			o.eager = eager
			return err
		}
		if status := command.Main(context.Background(), append(args, "http://x")); status != 0 && err == nil {
			err = errors.New("a usage error")
		}
		return o, err
	}
	checktest.Manners(t, read, [][4]string{
		{"p", "program", "prog", "web"}, {"a", "any", "an", ""}, {"t", "timeout", "tim", "7"}, {"c", "code", "cod", "204"},
		{"b", "body", "bo", "well"}, {"s", "sendmail_program", "send", "cat"}, {"m", "email", "em", "a@b"}, {"g", "gcore", "gc", "core"},
		{"d", "coredir", "core", "/tmp"}, {"E", "not-eager", "not", ""}, {"n", "name", "na", "x"},
	})
}

func TestHelpNamesAllOptions(t *testing.T) { checktest.Help(t, usage(), flags()) }
