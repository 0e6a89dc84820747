package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcessThatEnds(t *testing.T) {
	var stdout bytes.Buffer
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start(Command{Args: []string{"sh", "-c", "echo out; echo why >&2; exit 3"}}, &stdout, log)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if stdout.String() != "out\n" {
		t.Errorf("standard output is %q", stdout.String())
	}
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "exit status 3: why") {
		t.Errorf("error %v, want the exit code and the last words", err)
	}
}

func TestProcessThatIsNotReady(t *testing.T) {
	p, err := Start(Command{Args: []string{"sh", "-c", "echo no config >&2; exit 1"}}, nil, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitListening(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "no config") {
		t.Errorf("error %v, want the last words", err)
	}
}

// The group goes with the process, and its usage counts the children.
func TestEndTakesTheChildrenAlong(t *testing.T) {
	p, err := Start(Command{Args: []string{"sh", "-c", "sleep 60 & echo up; wait"}}, nil, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Await(t.Context(), func() bool { return p.HasWritten("up") }); err != nil {
		t.Fatal(err)
	}
	tree := p.tree()
	if len(tree) != 2 {
		t.Fatalf("processes %v, want the shell and its child", tree)
	}
	if u := p.Running(); u.PeakRSS == 0 {
		t.Error("two processes without memory")
	}
	if p.End(syscall.SIGTERM) {
		t.Error("the shell had to be killed")
	}
	if err := p.Err(); err == nil {
		t.Error("ended by a signal, and no error")
	}
	// The child is nobody's now; whoever adopts it buries it in time.
	for begin := time.Now(); alive(tree[1]); runtime.Gosched() {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the child is left running")
		}
	}
}

// alive reports whether a process runs or sleeps.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}
