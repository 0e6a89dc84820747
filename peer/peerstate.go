package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

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
	index   int
	state   State
	note    string
	err     error // why it is down or out
	version *proto.FileVersion
	liveAt  time.Time // when it was live first

	sessions int       // whose handshake is done
	further  int       // sessions beside the one that is kept, their handshakes done or not
	noExtra  time.Time // when a further session failed last

	past traffic // of sessions that have ended
	rtt  time.Duration
}

// gave reports whether bytes of p are in the file.
func (f *Fetch) gave(p *peerState) bool {
	if p.past.bytes > 0 {
		return true
	}
	for c := range f.sessions {
		if c.peer == p && c.shown.bytes > 0 {
			return true
		}
	}
	return false
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
		f.mu.Lock()
		p.err = err
		final := isFinal(err)
		if final {
			p.state, p.note = Out, err.Error()
		} else if p.sessions == 0 {
			p.state, p.note = Down, err.Error()
		}
		fatal := errors.Is(err, ErrSourceChanged) && f.gave(p)
		f.mu.Unlock()
		f.log.Info("session over", zap.String("peer", p.Addr), zap.Error(err), zap.Bool("final", final))
		if fatal {
			f.end(fmt.Errorf("%s: %w", p.Addr, err))
			return
		}
		if final {
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

// isFinal reports whether trying the peer again is pointless.
func isFinal(err error) bool {
	for _, e := range []error{ErrNotFound, ErrRefused, ErrKey, ErrSourceChanged, ErrPeersDisagree} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
