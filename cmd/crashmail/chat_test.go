package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// A chat is told what a mail says, also while the mail server is down.
func TestChatIsToldAsWell(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	server.Down()
	chat := checktest.NewChat(t)
	args := append([]string{"-a", "-m", "a@example.com", "--smtp-host", server.Host + ":" + strconv.Itoa(server.Port), "--spool", filepath.Join(t.TempDir(), "spool")}, chat.Args...)
	daemon := listenertest.StartCommand(t, listening(args...))
	daemon.Deliver(crash("cat", "cat", 1), listener.ResultOK)
	const want = "Process cat in group cat exited unexpectedly (pid 1) from state RUNNING"
	if got := chat.Wait(1)[0]; !strings.Contains(got, want) {
		t.Errorf("chat = %s, want %q in it", got, want)
	}
	server.Up()
	if got := server.Wait(1, time.Minute)[0].Data; !strings.Contains(strings.ReplaceAll(got, "=\r\n", ""), want) {
		t.Errorf("mail = %s, want %q in it", got, want)
	}
	if err := daemon.Close(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
}
