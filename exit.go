package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"chunkcp/config"
	"chunkcp/internal/argv"
	"chunkcp/internal/partfile"
	"chunkcp/peer"
)

// The exit codes, for scripts. They do not change.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitConfig      = 3 // config file, or a key
	exitNotFound    = 4 // on any peer
	exitRefused     = 5
	exitNoPeers     = 6 // alive, or timed out
	exitIntegrity   = 7
	exitChanged     = 8 // the source, or the peers disagree
	exitLocalIO     = 9
	exitDestination = 10 // exists, or is locked
	exitInterrupted = 130
	exitPipe        = 141 // the reader of standard output has left
)

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// localError is a failure of this host's files.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// exitCode maps an error to the program's exit code. It is the only place that
// does.
func exitCode(err error) int {
	for _, kind := range []struct {
		err  error
		code int
	}{
		{errInterrupted, exitInterrupted},
		{peer.ErrUsage, exitUsage},
		{peer.ErrKey, exitConfig},
		{peer.ErrNotFound, exitNotFound},
		{peer.ErrRefused, exitRefused},
		{peer.ErrNoPeers, exitNoPeers},
		{peer.ErrIntegrity, exitIntegrity},
		{peer.ErrSourceChanged, exitChanged},
		{peer.ErrPeersDisagree, exitChanged},
		{partfile.ErrExists, exitDestination},
		{partfile.ErrLocked, exitDestination},
	} {
		if errors.Is(err, kind.err) {
			return kind.code
		}
	}
	switch {
	case isA[*peer.OutputError](err) && errors.Is(err, syscall.EPIPE):
		return exitPipe
	case isA[*usageError](err), isA[*argv.Error](err):
		return exitUsage
	case isA[*config.Error](err):
		return exitConfig
	case isA[*localError](err), isA[*peer.OutputError](err), isA[*fs.PathError](err), isA[*os.LinkError](err):
		return exitLocalIO
	}
	return exitOther
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// isCall reports whether err is of a system call.
func isCall(err error, name string) bool {
	var call *os.SyscallError
	return errors.As(err, &call) && call.Syscall == name
}

// message is what the user is told: what went wrong, and what to do.
func message(err error) string {
	hint := ""
	switch {
	case isA[*usageError](err), isA[*argv.Error](err):
		hint = "see chunkcp --help"
	case errors.Is(err, syscall.ENOSPC):
		hint = "free some space, or choose another place"
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "another program listens there: choose another port with --listen"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		hint = "no interface of this host has that address: choose another with --listen, or leave the host out"
	case isCall(err, "bind") && errors.Is(err, fs.ErrPermission):
		hint = "a port below 1024 is for root: choose another with --listen"
	case errors.Is(err, partfile.ErrExists):
		hint = "choose another name with -o, or leave out --no-clobber"
	case errors.Is(err, partfile.ErrLocked):
		hint = "wait for it, or choose another name with -o"
	case errors.Is(err, peer.ErrSourceChanged):
		hint = "run it again once nobody writes to the file there"
	case errors.Is(err, peer.ErrPeersDisagree), errors.Is(err, peer.ErrIntegrity):
		hint = "chunkcp hash prints what a file is, and --hash b3:HEX says which one is wanted"
	case errors.Is(err, peer.ErrNoPeers):
		hint = "is chunkcp serve running there (one with a psk_file answers nobody without it), and does a firewall let UDP through?"
	case errors.Is(err, peer.ErrNotFound):
		hint = "names are relative to the server's --root, with slashes and without ./, // or .., such as dir/name"
	}
	text := strings.TrimSpace(err.Error())
	if hint == "" || strings.Contains(text, hint) {
		return text
	}
	return text + "\n" + hint
}
