//go:build unix

package check

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the leader of a process group that is killed with
// it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
