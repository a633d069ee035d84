package mail_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// eximConfig is a mail server of its own: it takes mail for ops and dev at
// example.com and writes it into a folder, which it never does as root.
const eximConfig = `
spool_directory = %[1]s/spool
log_file_path = %[1]s/log/%%slog
pid_file_path = %[1]s/exim.pid
primary_hostname = mta.example.com
local_interfaces = 127.0.0.1
daemon_smtp_ports = %[2]d
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  accept local_parts = ops : dev
  deny message = no such user
begin routers
local:
  driver = accept
  local_parts = ops : dev
  transport = file
begin transports
file:
  driver = appendfile
  file = %[1]s/mail/$local_part_data
  check_owner = false
  mode = 0666
  mode_fail_narrower = false
  user = Debian-exim
  group = Debian-exim
begin retry
* * F,1h,1m
`

// exim runs Debian's exim on a free port until the test ends.
func exim(t *testing.T) (dir string, port int) {
	t.Helper()
	if _, err := exec.LookPath("/usr/sbin/exim4"); err != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal("no /usr/sbin/exim4: install the Debian package exim4-daemon-light")
		}
		t.Skip("no /usr/sbin/exim4: install the Debian package exim4-daemon-light to run this test")
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: exim takes mail from the network, and writes to a spool of its own, for root only")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	// Not t.TempDir(): exim's own user must get in.
	dir, err = os.MkdirTemp("", "exim")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, sub := range []string{"spool", "log", "mail"} {
		path := filepath.Join(dir, sub)
		if err := os.Mkdir(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "exim.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, eximConfig, dir, port), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command("/usr/sbin/exim4", "-C", config, "-bdf")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }() // the kill below ends it
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			_ = c.Close()
			return dir, port
		}
		select {
		case <-exited:
			t.Fatalf("exim ended at once: %s", out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("exim does not listen: %v", err)
		}
	}
}

// arrives waits until a text is in a mailbox.
func arrives(t *testing.T, dir, mailbox, want string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		data, err := os.ReadFile(filepath.Join(dir, "mail", mailbox))
		if err == nil && strings.Contains(string(data), want) {
			return string(data)
		}
		if time.Now().After(deadline) {
			logs, _ := filepath.Glob(filepath.Join(dir, "log", "*"))
			for _, name := range logs {
				text, _ := os.ReadFile(name)
				t.Logf("%s:\n%s", filepath.Base(name), text)
			}
			t.Fatalf("mailbox %q = %q, %v; want %q in it", mailbox, data, err, want)
		}
	}
}

func TestSMTPToExim(t *testing.T) {
	dir, port := exim(t)
	s := notifier(t, mail.SMTPOptions{Host: "127.0.0.1", Port: port})
	m := message()
	if err := send(t, s, m, 20*time.Second); err != nil {
		t.Fatalf("Notify() = %v, want nil", err)
	}
	got := arrives(t, dir, "ops", "Subject: cat crashed")
	for _, want := range []string{"Message-ID: <ab-1@web1.example.com>", "Auto-Submitted: auto-generated", "To: <ops@example.com>"} {
		if !strings.Contains(got, want) {
			t.Errorf("mail = %q, want %q in it", got, want)
		}
	}
	m.To = "nobody@example.com"
	err := send(t, s, m, 20*time.Second)
	var permanent *notify.PermanentError
	if !errors.As(err, &permanent) || !strings.Contains(err.Error(), `550 "no such user"`) {
		t.Errorf("Notify() to nobody = %v, want a permanent error with 550 no such user", err)
	}
}

func TestSendmailOfExim(t *testing.T) {
	dir, _ := exim(t)
	m := message()
	m.To = "ops@example.com, dev@example.com"
	s := &mail.Sendmail{Command: fmt.Sprintf("/usr/sbin/exim4 -C %s/exim.conf -t -i", dir)}
	if err := send(t, s, m, 20*time.Second); err != nil {
		t.Fatalf("Notify() = %v, want nil", err)
	}
	for _, mailbox := range []string{"ops", "dev"} {
		got := arrives(t, dir, mailbox, "Subject:  cat crashed")
		if !strings.Contains(got, m.Body) {
			t.Errorf("mail to %s = %q, want %q in it", mailbox, got, m.Body)
		}
	}
}
