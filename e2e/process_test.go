package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// process is a chunkcp that was started.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr capture
	exited         chan struct{} // closed once it has ended
}

// start runs chunkcp in a directory, with what env sets beside this process's
// environment.
func start(dir string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command("chunkcp", args...), exited: make(chan struct{})}
	p.cmd.Stdout = &p.stdout
	if err := p.run(dir, env); err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the process.
func (p *process) run(dir string, env []string) error {
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait() // what it says is in ProcessState too
		close(p.exited)
	}()
	return nil
}

// environment has a chunkcp keep its key and its cache, and look for its config, below home
// rather than among the files of whoever runs the tests.
func environment(home string) []string {
	return []string{
		"CHUNKCP_CONFIG=",
		"HOME=" + home,
		"AppData=" + home,
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"XDG_STATE_HOME=" + filepath.Join(home, "state"),
	}
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// wait returns the exit code, -1 for a signal, once the process has ended.
func (p *process) wait(limit time.Duration) (int, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-timer.C:
		return 0, fmt.Errorf("%v has not ended after %v:\n%s", p.cmd.Args, limit, p.stderr.String())
	}
}

// kill ends the process without a chance to say goodbye.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it has ended already
	<-p.exited
}

// capture keeps what a process writes. It can be read meanwhile.
type capture struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(b)
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

// await returns once cond holds, and an error if it does not within limit.
func await(limit time.Duration, cond func() bool) error {
	ticker := time.NewTicker(5 * time.Millisecond) // arbitrary: small beside what is waited for
	defer ticker.Stop()
	for end := time.Now().Add(limit); !cond(); {
		if now := <-ticker.C; now.After(end) {
			return fmt.Errorf("not within %v", limit)
		}
	}
	return nil
}
