package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestMailIsSuperlances(t *testing.T) {
	batchmailtest.Superlance(t, listener.ProcessStateExited,
		"[foo:bar](58597) exited unexpectedly TIME", "", "None")
}

func TestUnderSupervisord(t *testing.T) {
	batchmailtest.UnderSupervisord(t, "crashsms",
		"command=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false", "[", " exited unexpectedly TIME")
}

func TestOptionsAreSuperlances(t *testing.T) {
	batchmailtest.SuperlancesOptions(t, "crashsms", "command=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false",
		"[one:one](X) exited unexpectedly X", "")
}
