package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestMailIsSuperlances(t *testing.T) {
	batchmailtest.Superlance(t, listener.ProcessStateFatal,
		"TIME -- Process foo:bar failed to start too many times",
		"Fatal start alert from supervisord", "Fatal start alert from supervisord")
}

func TestUnderSupervisord(t *testing.T) {
	batchmailtest.UnderSupervisord(t, "fatalmailbatch",
		"command=/bin/sh -c 'exit 3'\nstartsecs=10\nstartretries=0", "TIME -- Process ", " failed to start too many times")
}

func TestOptionsAreSuperlances(t *testing.T) {
	batchmailtest.SuperlancesOptions(t, "fatalmailbatch", "command=/bin/sh -c 'exit 3'\nstartsecs=10\nstartretries=0",
		"X -- Process one:one failed to start too many times", "Fatal start alert from supervisord")
}
