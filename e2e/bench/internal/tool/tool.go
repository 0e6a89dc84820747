package tool

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"chunkcp/e2e/bench/internal/proc"
)

// Tool is one way to get a file from there to here.
type Tool struct {
	Name    string
	Needs   []string // programs that must be installed
	Servers int      // that it fetches from; 0 if it copies by itself

	// Congestion is the control that TCP must use, "" if it is not TCP or any
	// will do.
	Congestion string

	// Serve returns the command of one server.
	Serve func(Server) (proc.Command, error)

	// Fetch returns the command of the client.
	Fetch func(Client) (proc.Command, error)

	// Cut is the signal by which the client gives up; 0 is SIGTERM.
	Cut syscall.Signal

	// Report reads the client's standard output, where it is a report.
	Report func(stdout []byte) (Report, error)
}

// Source is the file that is fetched.
type Source struct {
	Root string // directory that holds it
	Name string // in Root
}

// Path returns where the file is.
func (s Source) Path() string { return filepath.Join(s.Root, s.Name) }

// Server is what a tool's server is given.
type Server struct {
	Source
	Addr netip.AddrPort // to listen on
	Dir  string         // for its configuration and state
}

// Client is what a tool's client is given.
type Client struct {
	Source
	Servers []netip.AddrPort
	// The directories of the servers, whose keys and certificates it trusts.
	ServerDirs []string
	Out        string // path of the copy
	Dir        string // for its configuration and state
}

// Report is what a client says of its own work.
type Report struct {
	Bytes      int64   // of the file that are there
	RTTSeconds float64 // of the path at the end; 0 if not told
}

// Missing returns why the tool cannot be used on this machine, or nil.
func (t Tool) Missing() error {
	for _, name := range t.Needs {
		if _, err := find(name); err != nil {
			return fmt.Errorf("%s is not installed", name)
		}
	}
	return nil
}

// find looks for a program in PATH and where daemons are installed, which an
// ordinary user's PATH does not have.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

// program returns the path of a program for a command line: sshd wants to be
// called by its full path.
func program(name string) string {
	path, err := find(name)
	if err != nil {
		return name
	}
	return path
}

// asRoot reports whether servers can choose the user they run as, and so must.
func asRoot() bool { return os.Geteuid() == 0 }

// write makes the file of a server's configuration.
func write(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

// errNoServer is for a tool that was given no server to fetch from.
var errNoServer = errors.New("BUG: no server to fetch from")
