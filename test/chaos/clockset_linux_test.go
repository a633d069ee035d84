package chaos

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wallClock is a system clock that one daemon alone reads, and that a test may
// set while the daemon runs. Its monotonic clock is the system's, as it is when
// an administrator sets the time.
//
// A process asks for the time by a function that the kernel maps into it, the
// vDSO's clock_gettime. In the daemon, that function is replaced before its
// first instruction is executed; so it is the daemon as it is shipped that
// reads the clock, in each of its lines. The kernel itself goes on to stamp
// files with the true time, and programs read it.
type wallClock struct {
	ahead  int64    // seconds, of the true time
	memory *os.File // the daemon's; nil before the first start
	place  int64    // of the offset in that memory
}

// readClock is x86-64 machine code with the manners of clock_gettime(2): it
// asks the kernel and adds the 8 bytes that follow it to the seconds of
// CLOCK_REALTIME, which is clock 0.
var readClock = []byte{
	0xb8, 0xe4, 0, 0, 0, // mov eax, 228 (clock_gettime)
	0x0f, 0x05, // syscall
	0x85, 0xff, // test edi, edi
	0x75, 0x0a, // jne to ret
	0x48, 0x8b, 0x15, 6, 0, 0, 0, // mov rdx, [the offset]
	0x48, 0x01, 0x16, // add [rsi], rdx
	0xc3,       // ret
	0x90, 0x90, // padding
}

// errNoClock means that a process here cannot be given a clock of its own.
var errNoClock = errors.New("cannot give a process a clock of its own")

// newClock returns a clock that shows the true time. It skips the test where no
// process can be given one.
func newClock(t *testing.T) *wallClock {
	t.Helper()
	c := &wallClock{}
	cmd := exec.Command(supervisord(), "--version")
	err := c.start(cmd)
	if errors.Is(err, errNoClock) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("supervisord --version with a clock of its own: %v", err)
	}
	return c
}

// now returns the time of the clock.
func (c *wallClock) now() time.Time {
	return time.Now().Add(time.Duration(c.ahead) * time.Second)
}

// step sets the clock forward or back.
func (c *wallClock) step(by time.Duration) error {
	c.ahead += int64(by / time.Second)
	return c.write()
}

// write shows the offset to the daemon.
func (c *wallClock) write() error {
	if _, err := c.memory.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(c.ahead)), c.place); err != nil {
		return fmt.Errorf("write the clock's offset: %w", err)
	}
	return nil
}

// start starts a daemon that reads the clock. It is the daemon's tracer up to
// the moment when the daemon's program has been loaded. The error is errNoClock
// where the system or the processor does not allow that.
func (c *wallClock) start(cmd *exec.Cmd) error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("%w: the machine code is for amd64, this is %s", errNoClock, runtime.GOARCH)
	}
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: start under trace: %w", errNoClock, err)
	}
	pid := cmd.Process.Pid
	err := awaitProgram(pid)
	if err == nil {
		err = c.replace(pid)
	}
	if err == nil {
		err = syscall.PtraceDetach(pid)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("%w: %w", errNoClock, err)
	}
	return nil
}

// awaitProgram lets a traced process go on until it has become a supervisord:
// it stops at each exec.
func awaitProgram(pid int) error {
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return fmt.Errorf("wait for the exec: %w", err)
		}
		if !status.Stopped() {
			return fmt.Errorf("wait for the exec: the process has ended, status %#x", int(status))
		}
		exe, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
		want, wantErr := os.Stat(supervisord())
		if err == nil && wantErr == nil && os.SameFile(exe, want) {
			return nil
		}
		if err := syscall.PtraceCont(pid, 0); err != nil {
			return fmt.Errorf("let the shell go on: %w", err)
		}
	}
}

// replace puts readClock and the offset into the empty end of a process's
// vDSO, and a jump to it at the begin of clock_gettime.
func (c *wallClock) replace(pid int) error {
	from, to, err := vdso(pid)
	if err != nil {
		return err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	image := make([]byte, to-from)
	if _, err := memory.ReadAt(image, from); err != nil {
		return fmt.Errorf("read the vDSO: %w", err)
	}
	function, err := symbol(image, "__vdso_clock_gettime")
	if err != nil {
		return err
	}
	code := (int64(len(bytes.TrimRight(image, "\x00"))) + 63) &^ 15
	data := code + int64(len(readClock))
	if data+8 > int64(len(image)) {
		return errors.New("the vDSO has no room for another function")
	}
	const jump = 5 // bytes that a jump takes
	goThere := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(code-function-jump))
	for at, text := range map[int64][]byte{code: readClock, function: goThere} {
		if _, err := memory.WriteAt(text, from+at); err != nil {
			return fmt.Errorf("write to the vDSO: %w", err)
		}
	}
	if c.memory != nil {
		_ = c.memory.Close() // of the daemon before
	}
	c.memory, c.place = memory, from+data
	return c.write()
}

// vdso returns where a process's vDSO begins and ends.
func vdso(pid int) (from, to int64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.HasSuffix(line, "[vdso]\n") {
			continue
		}
		_, err := fmt.Sscanf(line, "%x-%x", &from, &to)
		return from, to, err
	}
	return 0, 0, errors.New("the process has no vDSO")
}

// symbol returns the offset of a function in the image of a library.
func symbol(image []byte, name string) (int64, error) {
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, fmt.Errorf("parse the vDSO: %w", err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return 0, fmt.Errorf("parse the vDSO: %w", err)
	}
	for _, s := range symbols {
		if s.Name == name && s.Value < uint64(len(image)) {
			return int64(s.Value), nil
		}
	}
	return 0, fmt.Errorf("the vDSO has no %s", name)
}

// seconds converts what /proc/uptime tells.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// uptime returns for how many seconds the machine has been up.
func uptime(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// logTime returns the time of a line of the log; zero when it has none.
func logTime(line string) time.Time {
	at, _ := time.ParseInLocation("2006-01-02 15:04:05", line[:min(len(line), 19)], time.Local) // Parse knows ",000"
	return at
}
