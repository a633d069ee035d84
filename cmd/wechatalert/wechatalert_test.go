package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
)

func TestMain(m *testing.M) { alerttest.Main(m, main) }

// The options reach the service, and no secret reaches the terminal.
func TestTestSendsWhatTheServiceExpects(t *testing.T) {
	alerttest.Robot{
		Name:    "wechatalert",
		Args:    []string{"--key", "s3cret-key", "--base-url", "SERVER", "--mention", "@all", "--style", "text", "--lang", "zh"},
		Accepts: `{"errcode":0,"errmsg":"ok"}`,
		Refuses: `{"errcode":93000,"errmsg":"invalid webhook url"}`,
		Sends:   []string{"key=s3cret", "test 意外退出", "@all", `"msgtype":"text"`},
	}.Check(t)
}
