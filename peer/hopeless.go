package peer

import (
	"errors"
	"fmt"
	"time"

	"chunkcp/proto"
)

// hopeless returns why the fetch cannot go on, nil while it can.
func (f *Fetch) hopeless(now time.Time) error {
	live, final, missing, busy := 0, 0, 0, false
	for _, p := range f.peers {
		var closed *errClosed
		busy = busy || errors.As(p.err, &closed) && closed.Code == proto.CloseBusy
		switch {
		case p.state == Live:
			live++
		case p.state == Out:
			final++
			if errors.Is(p.err, ErrNotFound) {
				missing++
			}
		}
	}
	if live > 0 {
		f.lastLive = now
		if f.writing > 0 {
			f.moved = now // it is this host's disk, or who reads the output, that is slow
		}
		switch {
		case now.Sub(f.moved) >= f.opt.Timeout:
			return f.failure(ErrNoPeers, fmt.Sprintf("no bytes came for %v", f.opt.Timeout))
		case f.stuckFor(now) >= f.opt.Timeout:
			return f.failure(ErrNoPeers, fmt.Sprintf("no more than parts of pieces came for %v", f.opt.Timeout))
		}
		return nil
	}
	if final == len(f.peers) {
		return f.failure(f.commonKind(), "no peer can serve "+f.opt.Name)
	}
	if missing > 0 && !busy && f.size < 0 && f.unfit == nil && now.Sub(f.began) >= notFoundGrace {
		return f.failure(ErrNotFound, f.opt.Name+": not found on any peer that answers")
	}
	if now.Sub(f.lastLive) >= f.opt.Timeout {
		return f.failure(f.absentKind(), fmt.Sprintf("no live peer for %v", f.opt.Timeout))
	}
	return nil
}

// absentKind returns what to call the failure of peers none of which is live: where all
// that was ever heard came with a wrong key, it is that.
func (f *Fetch) absentKind() error {
	kind := ErrNoPeers
	for _, p := range f.peers {
		switch {
		case p.met != nil:
			return ErrNoPeers
		case errors.Is(p.err, ErrKey):
			kind = ErrKey
		}
	}
	return kind
}

// commonKind returns what to call the failure of peers that are all out: what
// the user can do most about comes first.
func (f *Fetch) commonKind() error {
	for _, kind := range []error{ErrKey, ErrIntegrity, ErrSourceChanged, ErrPeersDisagree, ErrRefused, ErrNotFound} {
		for _, p := range f.peers {
			if errors.Is(p.err, kind) {
				return kind
			}
		}
	}
	return ErrNoPeers
}

// failure says what each peer had to do with it.
func (f *Fetch) failure(kind error, text string) error {
	e := &fetchError{kind: kind, text: text}
	for _, p := range f.peers {
		why := p.err
		switch {
		case why == nil && p.state == Probing:
			why = errNoAnswer
		case why == nil:
			why = errors.New(string(p.state))
		}
		e.peers = append(e.peers, &PeerError{p.Addr, why})
	}
	return e
}
