package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// grace is what a process has to end after a signal before it is killed;
// chunkcp promises 2 s.
const grace = 4 * time.Second

// Process is a program that was started.
type Process struct {
	Command Command
	Started time.Time

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of Wait, once done is closed
	log  string        // path of what it wrote, for errors
}

// Start runs the command with its standard error, and its standard output
// where stdout is nil, in the file at log.
func Start(c Command, stdout io.Writer, log string) (*Process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := c.cmd()
	cmd.Stdout, cmd.Stderr = stdout, file
	if stdout == nil {
		cmd.Stdout = file
	}
	attach(cmd)
	p := &Process{Command: c, Started: time.Now(), cmd: cmd, done: make(chan struct{}), log: log}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID returns its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns why a process that has ended did not end well, with the last it
// wrote.
func (p *Process) Err() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w%s", p.Command.Args[0], p.err, p.lastWords())
}

// End asks the process to end by a signal and kills it if it does not. It
// reports whether it had to.
func (p *Process) End(s syscall.Signal) (killed bool) {
	_ = p.cmd.Process.Signal(s) // it may have ended by itself
	select {
	case <-p.done:
	case <-time.After(grace):
		killed = true
	}
	killGroup(p.PID()) // with what it left running
	<-p.done
	return killed
}

// Stop ends the process and waits for it.
func (p *Process) Stop() { p.End(syscall.SIGTERM) }

// pollInterval is how often a process is looked at while it starts; arbitrary.
const pollInterval = 5 * time.Millisecond

// Await waits until ready says so, for a process that is to run on.
func (p *Process) Await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, // arbitrary
		errors.New("not ready after 10 s"))
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended: %w%s", p.Command.Args[0], p.err, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s: %w%s", p.Command.Args[0], context.Cause(ctx), p.lastWords())
		case <-ticker.C:
		}
	}
	return nil
}

// HasWritten reports whether the text is in its log.
func (p *Process) HasWritten(text string) bool {
	log, err := os.ReadFile(p.log)
	return err == nil && strings.Contains(string(log), text)
}

// lastWords returns the end of the log, as the rest of an error.
func (p *Process) lastWords() string {
	log, err := os.ReadFile(p.log)
	text := strings.TrimSpace(string(log))
	if err != nil || text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	return ": " + strings.Join(lines[max(0, len(lines)-3):], "; ")
}
