//go:build linux || darwin || freebsd

package listener_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

// TestMain lets the test binary be a listener too: with LISTENER_TEST_AS set it
// is the one of that name.
func TestMain(m *testing.M) {
	as := os.Getenv("LISTENER_TEST_AS")
	if as == "" {
		os.Exit(m.Run())
	}
	handlers := map[string]listener.Handler{"noisy": beNoisy, "waiting": waitForFile, "recording": record, "leaving": leaveChild}
	err := listener.Serve(context.Background(), handlers[as])
	fmt.Println("printed after Serve")
	if err != nil {
		slog.Error("listener ended", "error", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beNoisy writes to stdout, and reads from stdin, in each way there is.
func beNoisy(context.Context, listener.Event) error {
	fmt.Println("printed by the handler")
	_, _ = syscall.Write(1, []byte("written to descriptor 1\n"))
	child := exec.Command("/bin/sh", "-c", "echo echoed by a child; cat")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		return err
	}
	rest, err := io.ReadAll(os.Stdin)
	fmt.Printf("stdin holds %q, %v\n", rest, err)
	return nil
}

// waitForFile says so, and returns when the file LISTENER_TEST_FILE is there.
func waitForFile(context.Context, listener.Event) error {
	fmt.Fprintln(os.Stderr, "waiting")
	for {
		if _, err := os.Stat(os.Getenv("LISTENER_TEST_FILE")); !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "waited")
			return err
		}
		<-time.After(5 * time.Millisecond) // a poll for another process
	}
}

// leaveChild starts a process that outlives the listener, and prints its id.
func leaveChild(context.Context, listener.Event) error {
	child := exec.Command("/bin/sleep", "1000")
	err := child.Start()
	fmt.Fprintln(os.Stderr, child.Process.Pid)
	return err
}

// recorded is a line of the file that record writes.
type recorded struct {
	PID     int
	Header  listener.Header
	Kind    string // of the body
	Body    json.RawMessage
	Payload string
	Env     listener.Environment
}

// record appends each event to LISTENER_TEST_FILE. It refuses a remote
// communication of type "refuse" once, and kills itself once at one of type
// "die".
func record(_ context.Context, ev listener.Event) error {
	body, err := json.Marshal(ev.Body)
	if err != nil {
		return err
	}
	line, err := json.Marshal(recorded{os.Getpid(), ev.Header, fmt.Sprintf("%T", ev.Body), body, string(ev.Payload), listener.ReadEnvironment(os.Getenv)})
	if err != nil {
		return err
	}
	name := os.Getenv("LISTENER_TEST_FILE")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	remote, ok := ev.Body.(listener.RemoteCommunication)
	if !ok || (remote.CommType != "refuse" && remote.CommType != "die") {
		return nil
	}
	if err := os.Mkdir(name+"."+remote.CommType, 0o700); err != nil {
		return nil // the second time
	}
	if remote.CommType == "die" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return errors.New("refused, as the test wants it")
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// eventually polls until done, and fails the test with what after 20 s.
func eventually(t *testing.T, what func() string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s: %s", what())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// startSelf starts the test binary as the listener of that name.
func startSelf(t *testing.T, as string, env ...string) (*listenertest.Supervisor, *syncBuffer) {
	t.Helper()
	var stderr syncBuffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "LISTENER_TEST_AS="+as), env...)
	cmd.Stderr = &stderr
	return listenertest.StartCommand(t, cmd), &stderr
}

func TestServeKeepsEverythingElseOffItsStreams(t *testing.T) {
	daemon, stderr := startSelf(t, "noisy")
	daemon.Deliver(crash, listener.ResultOK)
	daemon.Deliver(tick, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("the listener ended with %v, want status 0; stderr:\n%s", err, stderr)
	}
	for _, want := range []string{
		"printed by the handler\n", "written to descriptor 1\n", "echoed by a child\n", "stdin holds \"\", <nil>\n", "printed after Serve\n",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr is\n%s, want in it %q", stderr, want)
		}
	}
}

func TestServeDoesNotLendItsStreamsToChildProcesses(t *testing.T) {
	daemon, stderr := startSelf(t, "leaving")
	daemon.Deliver(tick, listener.ResultOK)
	var child int
	eventually(t, stderr.String, func() bool { _, err := fmt.Sscanln(stderr.String(), &child); return err == nil })
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	if err := daemon.Close(); err != nil { // comes when nobody has stdout open any more
		t.Errorf("the listener ended with %v, want status 0", err)
	}
}

func TestServeFinishesTheEventInFlightOnSIGTERMAndSIGINT(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		file := filepath.Join(t.TempDir(), "go")
		daemon, stderr := startSelf(t, "waiting", "LISTENER_TEST_FILE="+file)
		daemon.Send(tick)
		eventually(t, stderr.String, func() bool { return strings.Contains(stderr.String(), "waiting\n") })
		daemon.Signal(sig)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		daemon.ExpectResult(listener.ResultOK)
		if err := daemon.Wait(); err != nil {
			t.Errorf("after %v the listener ended with %v, want status 0; stderr:\n%s", sig, err, stderr)
		}
	}
}

func TestServeAnswersTheEventThatWasSentBeforeSIGTERM(t *testing.T) {
	daemon, stderr := startSelf(t, "recording", "LISTENER_TEST_FILE="+filepath.Join(t.TempDir(), "events"))
	daemon.ExpectReady()
	daemon.Signal(syscall.SIGSTOP) // so that it sees both at once
	daemon.Send(listener.SupervisorStateChange{EventType: listener.SupervisorStopping})
	daemon.Signal(syscall.SIGTERM)
	daemon.Signal(syscall.SIGCONT)
	daemon.ExpectResult(listener.ResultOK)
	if err := daemon.Wait(); err != nil {
		t.Errorf("the listener ended with %v, want status 0; stderr:\n%s", err, stderr)
	}
}

func TestServeEndsOnSIGTERMWhileIdle(t *testing.T) {
	daemon, stderr := startSelf(t, "waiting")
	daemon.ExpectReady()
	daemon.Signal(syscall.SIGTERM)
	if err := daemon.Wait(); err != nil {
		t.Errorf("the listener ended with %v, want status 0; stderr:\n%s", err, stderr)
	}
}

func TestServeDiesOfASecondSignal(t *testing.T) {
	var stderr syncBuffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LISTENER_TEST_AS=waiting", "LISTENER_TEST_FILE="+filepath.Join(t.TempDir(), "never"))
	cmd.Stderr = &stderr
	daemon := listenertest.StartCommand(t, cmd)
	daemon.Send(tick)
	eventually(t, stderr.String, func() bool { return strings.Contains(stderr.String(), "waiting\n") })
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }() // ends with the listener
	var err error
	eventually(t, stderr.String, func() bool {
		select {
		case err = <-ended:
			return true
		default:
			// The first signal needs a moment to give the second its effect,
			// and one of them finds the process gone.
			_ = cmd.Process.Signal(syscall.SIGTERM)
			return false
		}
	})
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("the listener ended with %v, want killed by SIGTERM", err)
	}
}

func TestServeFinishesTheEventInFlightWhenTheDaemonDies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "go")
	stderr, stderrWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LISTENER_TEST_AS=recording", "LISTENER_TEST_FILE="+file)
	cmd.Stderr = stderrWriter
	daemon := listenertest.StartCommand(t, cmd)
	stderrWriter.Close()
	stderr.Close()                                                // nobody reads the log any more
	daemon.Send(listener.RemoteCommunication{CommType: "refuse"}) // which is logged
	daemon.ExpectResult(listener.ResultFail)
	daemon.Deliver(tick, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("the listener ended with %v, want status 0", err)
	}
}

func TestServeFailsWhereItLosesStep(t *testing.T) {
	daemon, stderr := startSelf(t, "recording")
	daemon.ExpectReady()
	daemon.SendRaw([]byte("this is no header\n"))
	err := daemon.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the listener ended with %v, want status 1", err)
	}
	if want := `error="lost step with supervisord: parse event header \"this is no header\": eventname is missing"`; !strings.Contains(stderr.String(), want) {
		t.Errorf("stderr is\n%s, want in it %s", stderr, want)
	}
}
