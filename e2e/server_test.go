package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// startLimit is how long a server may take until it listens. Arbitrary: many
// times what a loaded machine needs.
const startLimit = 20 * time.Second

// server is a chunkcp serve.
type server struct {
	*process
	addr netip.AddrPort
	key  string
}

// serve starts a server for the files below root and waits until it listens.
func serve(home, root, listen string) (*server, error) {
	p, err := start(home, environment(home), "serve", "--root", root, "--listen", listen)
	if err != nil {
		return nil, err
	}
	s := &server{process: p}
	err = await(startLimit, func() bool {
		s.addr, s.key = listening(p.stderr.String())
		return s.addr.IsValid() || !p.running()
	})
	if !s.addr.IsValid() {
		p.kill()
		return nil, fmt.Errorf("the server does not listen (%v):\n%s", err, p.stderr.String())
	}
	return s, nil
}

// logLine is what the tests read of a line of a server's log.
type logLine struct {
	Level, Msg, Addr, Key string
	Client, Reason        string // of a session that ended
	Bytes                 int64  // that it sent
}

func parseLog(log string) (lines []logLine, err error) {
	for text := range strings.Lines(log) {
		if !strings.HasSuffix(text, "\n") {
			break // not whole yet
		}
		var line logLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			return lines, fmt.Errorf("%q in a server's log is not JSON: %w", text, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// listening returns the address that a server's log says it listens on, and its
// key.
func listening(log string) (netip.AddrPort, string) {
	lines, _ := parseLog(log)
	for _, line := range lines {
		if line.Msg == "listening" {
			addr, _ := netip.ParseAddrPort(line.Addr)
			return addr, line.Key
		}
	}
	return netip.AddrPort{}, ""
}

// stop asks the server to end, and returns what was wrong with how it ended or
// with what it logged.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && s.running() {
		s.kill() // no signals on this system
		return nil
	}
	code, err := s.wait(10 * time.Second)
	if err != nil {
		s.kill()
		return err
	}
	if code != 0 {
		return fmt.Errorf("a server ended with exit code %d:\n%s", code, s.stderr.String())
	}
	lines, err := parseLog(s.stderr.String())
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line.Level != "debug" && line.Level != "info" {
			return fmt.Errorf("a server logged a %s, %q:\n%s", line.Level, line.Msg, s.stderr.String())
		}
	}
	return nil
}
