// Package lab runs the lab command, which emulates links between network
// namespaces, for one measurement at a time.
package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"chunkcp/e2e/bench/internal/proc"
	"chunkcp/e2e/bench/internal/report"
)

// Host is a host of a lab.
type Host struct {
	Name    string
	Addr    netip.Addr
	Options string // of its access link, as the lab command spells them
}

// String returns the host as the lab's -host flag takes it.
func (h Host) String() string {
	if h.Options == "" {
		return fmt.Sprintf("%s=%v", h.Name, h.Addr)
	}
	return fmt.Sprintf("%s=%v,%s", h.Name, h.Addr, h.Options)
}

// Lab is one that stands.
type Lab struct {
	process *proc.Process
	prefix  string
	counts  string // path of the file with the links' counters
}

// Start builds the lab and returns when it stands. The directory takes its
// files. Equal seeds lose packets in the same order.
func Start(ctx context.Context, program, dir string, seed uint64, hosts []Host) (*Lab, error) {
	l := &Lab{
		// Of its own, so that other labs on the machine are left alone.
		prefix: fmt.Sprintf("bench%d", os.Getpid()),
		counts: filepath.Join(dir, "lab.json"),
	}
	args := []string{program, "-prefix", l.prefix, "-seed", fmt.Sprint(seed), "-json", l.counts}
	for _, h := range hosts {
		args = append(args, "-host", h.String())
	}
	var err error
	l.process, err = proc.Start(proc.Command{Args: args}, nil, filepath.Join(dir, "lab.log"))
	if err != nil {
		return nil, err
	}
	if err := l.process.Await(ctx, func() bool { return l.process.HasWritten("lab: up") }); err != nil {
		l.process.Stop()
		return nil, err
	}
	return l, nil
}

// Netns returns the name of a host's namespace.
func (l *Lab) Netns(host string) string { return l.prefix + "-" + host }

// Stop takes the lab down and returns what its links did.
func (l *Lab) Stop() ([]report.Link, error) {
	if l.process.End(syscall.SIGTERM) {
		return nil, fmt.Errorf("the lab %s did not end and was killed: its namespaces may be left", l.prefix)
	}
	if err := l.process.Err(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(l.counts)
	if err != nil {
		return nil, err
	}
	var said struct {
		Links []report.Link `json:"links"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("read the lab's counters: %w", err)
	}
	return said.Links, nil
}
