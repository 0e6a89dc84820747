package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// grace is what the command has to end after a signal before it is killed;
// chunkcp itself promises 2 s.
const grace = 5 * time.Second

// signalledExit is added to the number of the signal that ended the command,
// as shells do.
const signalledExit = 128

// runCommand runs the command until it ends and returns its exit code. Signals
// are handed on to it. A second signal, or the grace after the first or after
// the network's death, kills it.
func runCommand(opts options, signals <-chan os.Signal, dead <-chan struct{}) (int, error) {
	runtime.LockOSThread() // the death signal below is sent when this thread ends
	defer runtime.UnlockOSThread()
	cmd := exec.Command(opts.command[0], opts.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "LAB_PREFIX="+opts.prefix)
	// A group of its own, so that its children get the signals too, and each
	// once; in front of the terminal if there is one, so that it can read it.
	_, noTerminal := unix.IoctlGetTermios(0, unix.TCGETS)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: noTerminal == nil, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the command: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	group := -cmd.Process.Pid
	var deadline <-chan time.Time
	for {
		select {
		case err := <-ended:
			_ = unix.Kill(group, unix.SIGKILL) // what it left running
			return exitCode(err)
		case s := <-signals:
			if deadline != nil {
				_ = unix.Kill(group, unix.SIGKILL)
				continue
			}
			_ = unix.Kill(group, s.(syscall.Signal))
			deadline = time.After(grace)
		case <-dead:
			dead = nil
			_ = unix.Kill(group, unix.SIGTERM)
			deadline = time.After(grace)
		case <-deadline:
			_ = unix.Kill(group, unix.SIGKILL)
		}
	}
}

// exitCode returns the code a shell would show for what Wait returned.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		return signalledExit + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
