package proc

import (
	"os/exec"
	"syscall"
)

// attach gives the process a group of its own, so that a Ctrl-C is the bench's
// to handle, and ties its life to the bench's.
func attach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup ends what is left of the group that the process led.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // ESRCH: nothing is
}
