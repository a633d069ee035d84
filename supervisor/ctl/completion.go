package ctl

import (
	"context"
	"embed"
)

// scripts are the completion scripts, one for each shell.
//
//go:embed completion
var scripts embed.FS

// doCompletion prints the completion script for a shell.
func (c *Controller) doCompletion(_ context.Context, arg string) error {
	switch arg {
	case "bash", "zsh", "fish":
	default:
		c.misuse(exitInvalidArgs, "Error: completion requires bash, zsh or fish", "completion")
		return nil
	}
	script, err := scripts.ReadFile("completion/supervisorctl." + arg)
	if err != nil {
		return err
	}
	c.write(string(script))
	return nil
}
