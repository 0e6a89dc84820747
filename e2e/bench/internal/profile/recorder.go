package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// frequency is how often each processor is sampled in a second: a transfer of a
// second on two gives 4,000, of which a hundredth is known to a sixth of itself.
// Not a round number, so as not to keep step with the kernel's timers.
const frequency = 1999

// Missing returns why there can be no profile here, or nil.
func Missing() error {
	if _, err := exec.LookPath("perf"); err != nil {
		return errors.New("perf is not installed")
	}
	if os.Geteuid() != 0 {
		return errors.New("perf samples all processors for root only")
	}
	return nil
}

// Recorder is a perf that is sampling.
type Recorder struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	dir    string
}

// Start begins to sample. The caller ends it with Stop.
func Start(ctx context.Context, dir string) (*Recorder, error) {
	dir, err := os.MkdirTemp(dir, "profile")
	if err != nil {
		return nil, err
	}
	r := &Recorder{dir: dir}
	r.cmd = exec.CommandContext(ctx, "perf", "record", "-q", "-a", "-g", "-F", strconv.Itoa(frequency), "-o", r.data())
	r.cmd.Stderr = &r.stderr
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return r, nil
}

func (r *Recorder) data() string { return filepath.Join(r.dir, "perf.data") }

// Stop ends the sampling and returns the seconds of processor time that went to
// each use, on all processors together.
func (r *Recorder) Stop(ctx context.Context) (seconds map[Use]float64, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	_ = r.cmd.Process.Signal(syscall.SIGINT) // it may have ended by itself
	if err := r.cmd.Wait(); err != nil && !interrupted(err) {
		return nil, fmt.Errorf("perf record: %w: %s", err, bytes.TrimSpace(r.stderr.Bytes()))
	}
	script := exec.CommandContext(ctx, "perf", "script", "-i", r.data(), "-F", "pid,ip,sym,dso")
	script.Stderr = &r.stderr
	out, err := script.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := script.Start(); err != nil {
		return nil, err
	}
	counts, err := read(out, os.Getpid(), r.cmd.Process.Pid)
	if err != nil {
		_ = script.Process.Kill()
	}
	if failed := script.Wait(); err == nil && failed != nil {
		err = fmt.Errorf("perf script: %w: %s", failed, bytes.TrimSpace(r.stderr.Bytes()))
	}
	if err != nil {
		return nil, err
	}
	seconds = map[Use]float64{}
	for u, n := range counts {
		seconds[u] = float64(n) / frequency
	}
	return seconds, nil
}

// interrupted reports whether a program has ended by the interrupt it was sent:
// perf gives its data its last form first.
func interrupted(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}
