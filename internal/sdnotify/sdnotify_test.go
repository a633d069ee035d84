package sdnotify

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// manager listens at address as a service manager does.
func manager(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatalf("listen at %q: %v", address, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// hear returns the next message.
func hear(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	buffer := make([]byte, 1024)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatalf("read a message: %v", err)
	}
	return string(buffer[:n])
}

func TestMessages(t *testing.T) {
	addresses := []string{filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		addresses = append(addresses, fmt.Sprintf("@vigilance-test-%d", os.Getpid()))
	}
	for _, address := range addresses {
		conn := manager(t, address)
		t.Setenv(socketVariable, address)
		t.Setenv(watchdogVariable, "3000000")
		t.Setenv(watchdogUserVariable, strconv.Itoa(os.Getpid()))
		n := Adopt()
		if n == nil {
			t.Fatalf("Adopt() with %s=%s: nil, want a Notifier", socketVariable, address)
		}
		if want := 1500 * time.Millisecond; n.Every() != want {
			t.Errorf("Every() with a watchdog of 3 s: %v, want %v", n.Every(), want)
		}
		for _, name := range []string{socketVariable, watchdogVariable, watchdogUserVariable} {
			if v, ok := os.LookupEnv(name); ok {
				t.Errorf("%s=%s after Adopt, want it gone", name, v)
			}
		}
		steps := []struct {
			name string
			do   func()
			want string
		}{
			{"Ready", n.Ready, `^READY=1\nSTATUS=Running$`},
			{"Alive", n.Alive, `^WATCHDOG=1$`},
			{"Reloading", n.Reloading, `^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=.+$`},
			{"Stopping", n.Stopping, `^STOPPING=1\nSTATUS=.+$`},
			{"Alive after Stopping", n.Alive, `^WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000$`},
		}
		for _, step := range steps {
			step.do()
			if got := hear(t, conn); !regexp.MustCompile(step.want).MatchString(got) {
				t.Errorf("%s at %s: %q, want %q", step.name, address, got, step.want)
			}
		}
		n.Close()
	}
}

func TestAdoptWithoutAManager(t *testing.T) {
	for _, address := range []string{"", "vsock:2:1234", "relative/path"} {
		t.Setenv(socketVariable, address)
		if n := Adopt(); n != nil {
			t.Errorf("Adopt() with %s=%q: a Notifier, want nil", socketVariable, address)
		}
	}
}

func TestPause(t *testing.T) {
	other := strconv.Itoa(os.Getpid() + 1)
	tests := []struct {
		usec, user string
		want       time.Duration
	}{
		{"", "", restingEvery},
		{"1000000", "", 500 * time.Millisecond},
		{"1000000", other, restingEvery},
		{"0", "", restingEvery},
		{"-5", "", restingEvery},
		{"soon", "", restingEvery},
		{"3600000000", "", restingEvery},
	}
	for _, tt := range tests {
		if got := pause(tt.usec, tt.user); got != tt.want {
			t.Errorf("pause(%q, %q) = %v, want %v", tt.usec, tt.user, got, tt.want)
		}
	}
}

// TestADeafManagerHoldsNobodyUp says much to a manager that reads nothing, and
// to one that is gone.
func TestADeafManagerHoldsNobodyUp(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	conn := manager(t, address)
	t.Setenv(socketVariable, address)
	n := Adopt()
	began := time.Now()
	for range 10_000 {
		n.Alive()
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("10,000 messages to a manager that does not read took %v, want no wait", took)
	}
	_ = conn.Close() // what is queued is refused from now on
	n.Close()
}
