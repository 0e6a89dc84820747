package peer

import (
	"errors"
	"fmt"
	"math"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// PinError is a server whose key is not the one that is pinned.
type PinError struct {
	Addr            string
	Pinned, Offered secure.PublicKey
}

func (e *PinError) Error() string {
	return fmt.Sprintf(`the config pins another key for %s: someone may be posing as this server!
  pinned:  %s
  offered: %s
only if its operator confirms that the offered key is the server's new one, pin that`, e.Addr, e.Pinned, e.Offered)
}

// keyChanged is the error of a peer that had another key before in this fetch.
func keyChanged(addr string, met, offered secure.PublicKey) error {
	return fmt.Errorf("%w: %s has proven to have %v, and now offers %v", ErrKey, addr, met, offered)
}

// trust decides whether a peer may have this key. first says that there is no
// other word for it than the peer's.
func (f *Fetch) trust(p *peerState, key secure.PublicKey) (first bool, err error) {
	f.mu.Lock()
	met := p.met
	f.mu.Unlock()
	switch {
	case p.Key != nil && *p.Key != key:
		return false, fmt.Errorf("%w: %w", ErrKey, &PinError{Addr: p.Addr, Pinned: *p.Key, Offered: key})
	case met != nil && *met != key:
		return false, keyChanged(p.Addr, *met, key)
	case p.Key != nil || met != nil:
		return false, nil
	case f.opt.Known == nil:
		return true, nil
	}
	if err := f.opt.Known.Check(p.Addr, key); !errors.Is(err, secure.ErrUnknownPeer) {
		if changed := (*secure.KeyChangedError)(nil); errors.As(err, &changed) {
			err = fmt.Errorf("%w: %w", ErrKey, err)
		}
		return false, err
	}
	return true, nil
}

// firstRequests returns what to ask p for in the handshake: the file and its
// root. The first session with the first peer asks for the beginning of the file
// too, and for the hashes of its pieces, which saves a round trip; if all did, it
// would come more than once. Nor is what an earlier run has left asked for blindly.
func (f *Fetch) firstRequests(p *peerState) (requests []byte, early rangeset.Range) {
	open := proto.Open{ID: clientFile, Name: f.opt.Name}
	requests = open.Append(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paces() {
		requests = f.firstPace(p).Append(requests)
	}
	if p.index > 0 || f.size >= 0 || f.opt.HashesOnly || f.resumes {
		root := proto.Tree{File: clientFile}
		return root.Append(requests), rangeset.Range{}
	}
	early = rangeset.Range{End: firstLease}
	get := proto.Get{ID: clientFile + 1, File: clientFile, Range: early}
	all := proto.Tree{File: clientFile, Pieces: rangeset.Range{End: math.MaxInt64}}
	return all.Append(get.Append(requests)), early
}
