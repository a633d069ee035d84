package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
)

func TestMain(m *testing.M) { alerttest.Main(m, main) }

// The options reach the service, and no secret reaches the terminal.
func TestTestSendsWhatTheServiceExpects(t *testing.T) {
	alerttest.Robot{
		Name:    "feishualert",
		Args:    []string{"--hook", "s3cret-hook", "--secret", "s3cret", "--base-url", "SERVER"},
		Accepts: `{"code":0,"msg":"success"}`,
		Refuses: `{"code":19021,"msg":"sign match fail"}`,
		Sends:   []string{"/s3cret-hook", `"sign"`, "test exited unexpectedly"},
	}.Check(t)
}
