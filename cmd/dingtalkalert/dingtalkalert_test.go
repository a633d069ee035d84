package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
)

func TestMain(m *testing.M) { alerttest.Main(m, main) }

// The options reach the service, and no secret reaches the terminal.
func TestTestSendsWhatTheServiceExpects(t *testing.T) {
	alerttest.Robot{
		Name:    "dingtalkalert",
		Args:    []string{"--token", "s3cret-token", "--secret", "SECs3cret", "--base-url", "SERVER", "--at-mobile", "13800000000", "--lang", "zh"},
		Accepts: `{"errcode":0,"errmsg":"ok"}`,
		Refuses: `{"errcode":310000,"errmsg":"keywords not in content"}`,
		Sends:   []string{"access_token=s3cret", "timestamp=", "sign=", "test 意外退出", "138"},
	}.Check(t)
}
