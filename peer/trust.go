package peer

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

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

// trust decides whether a peer may have this key.
func (f *Fetch) trust(p *peerState, key secure.PublicKey) error {
	if p.Key != nil {
		if *p.Key != key {
			return fmt.Errorf("%w: %w", ErrKey, &PinError{Addr: p.Addr, Pinned: *p.Key, Offered: key})
		}
		return nil
	}
	if f.opt.Known == nil {
		return nil
	}
	err := f.opt.Known.Check(p.Addr, key)
	if errors.Is(err, secure.ErrUnknownPeer) {
		f.log.Info("first contact: key remembered", zap.String("peer", p.Addr), zap.Stringer("key", key))
		return f.opt.Known.Remember(p.Addr, key, time.Now())
	}
	if changed := (*secure.KeyChangedError)(nil); errors.As(err, &changed) {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return err
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
