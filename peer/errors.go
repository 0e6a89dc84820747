package peer

import (
	"errors"
	"fmt"
	"strings"
)

// What a fetch fails with. A failure is one of these in the sense of
// errors.Is, or an error of this host's files.
var (
	ErrUsage         = errors.New("bad options")
	ErrNotFound      = errors.New("not found on any peer")
	ErrRefused       = errors.New("refused")
	ErrNoPeers       = errors.New("no live peer")
	ErrKey           = errors.New("a peer's key is not the expected one")
	ErrSourceChanged = errors.New("source changed")
	ErrPeersDisagree = errors.New("peers disagree")
	ErrIntegrity     = errors.New("integrity")
)

// PeerError is what kept one peer from taking part.
type PeerError struct {
	Addr string
	Err  error
}

func (e *PeerError) Error() string { return e.Addr + ": " + e.Err.Error() }
func (e *PeerError) Unwrap() error { return e.Err }

// fetchError is the end of a fetch: a kind of failure, and what each peer had
// to do with it.
type fetchError struct {
	kind  error // one of the errors above
	text  string
	peers []error
}

func (e *fetchError) Error() string {
	var b strings.Builder
	b.WriteString(e.text)
	for _, p := range e.peers {
		fmt.Fprintf(&b, "\n  %v", p)
	}
	return b.String()
}

func (e *fetchError) Unwrap() error { return e.kind }
