package peer

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

// State is where a peer stands, as a fetch sees it.
type State string

// The states of a peer.
const (
	Probing State = "probing" // not heard of yet
	Live    State = "live"
	Silent  State = "silent" // was live, gives no sign of life
	Down    State = "down"   // does not answer
	Out     State = "out"    // cannot take part: see the note
)

const (
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// peerState is what a fetch knows of one peer. It is guarded by Fetch.mu.
type peerState struct {
	Peer
	index  int
	ctx    context.Context // of its sessions
	leave  context.CancelFunc
	state  State
	note   string
	err    error     // why it is down or out
	liveAt time.Time // when it was live first

	met *secure.PublicKey // the key that it has proven to have; nil if none yet

	version *proto.FileVersion // of its file; nil before its first answer
	size    int64
	// answeredAs is the key of the server that gave it.
	answeredAs secure.PublicKey
	root       tree.Hash
	rooted     bool           // it has told the root
	limit      float64        // its part of the fetch's limit, bytes per second
	bad        *int64         // a piece of it that differs from the lead's; it gets no work
	stalled    bool           // it has led, and told nothing
	late       int            // how often it has led and taken too long to tell what it knew
	proof      *proof         // of its size, that is asked for; nil: none is
	early      rangeset.Range // that it was asked for in a handshake, and has not answered yet

	sessions int       // whose handshake is done
	further  int       // sessions beside the one that is kept, their handshakes done or not
	noExtra  time.Time // when a further session failed last

	past traffic // of sessions that have ended
	rtt  time.Duration
}

// add makes a peer known.
func (f *Fetch) add(p Peer) *peerState {
	s := &peerState{Peer: p, index: len(f.peers), state: Probing}
	f.peers = append(f.peers, s)
	return s
}

// employ has a peer take part.
func (f *Fetch) employ(p *peerState) {
	p.ctx, p.leave = context.WithCancel(f.ctx)
	f.running.Go(func() { f.contain("a peer", func() { f.keep(p.ctx, p) }) })
}

// keep keeps a session with p for as long as the fetch goes on, or until p
// cannot take part.
func (f *Fetch) keep(ctx context.Context, p *peerState) {
	backoff := firstBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := f.runSession(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if f.lost(p, err) {
			return
		}
		if time.Since(began) > lastBackoff {
			backoff = firstBackoff
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// lost notes that the session that was kept with p has ended, and reports whether p
// cannot take part any more.
func (f *Fetch) lost(p *peerState, err error) (final bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// One that has proven who it is has not become another: somebody answers in its place.
	final = isFinal(err) && !(errors.Is(err, ErrKey) && p.met != nil)
	f.log.Info("session over", zap.String("peer", p.Addr), zap.Error(err), zap.Bool("final", final))
	switch {
	case final:
		f.bench(p, err)
	case p.state == Out: // found out while its session ended
		final = true
	case p.sessions == 0:
		p.state, p.err, p.note = Down, err, err.Error()
	}
	f.settle()
	return final
}

// isFinal reports whether trying the peer again is pointless.
func isFinal(err error) bool {
	for _, e := range []error{ErrNotFound, ErrRefused, ErrKey, ErrSourceChanged, ErrPeersDisagree, ErrIntegrity} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
