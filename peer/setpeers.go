package peer

import (
	"errors"
	"fmt"
	"slices"
)

// maxEver bounds the peers that one fetch has known, those that left included
// (arbitrary).
const maxEver = 4 * MaxPeers

var errRemoved = errors.New("no longer in the config")

// SetPeers has a fetch go on with these peers: those that it has go on, new ones
// take part, and those that are not named leave. Any goroutine may call it.
func (f *Fetch) SetPeers(peers []Peer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case len(peers) == 0:
		return errors.New("no peers: the fetch goes on with those that it has")
	case len(peers) > MaxPeers || len(f.peers)+len(peers) > maxEver:
		return fmt.Errorf("%d peers, after %d: at most %d at once and %d in all", len(peers), len(f.peers), MaxPeers, maxEver)
	case f.over || f.ctx == nil:
		return nil
	}
	for _, p := range f.peers {
		if !slices.ContainsFunc(peers, p.Peer.is) && p.err != errRemoved {
			f.agreement.withdraw(p.index)
			f.bench(p, errRemoved)
			p.err = errRemoved // whatever it was out for
		}
	}
	for _, p := range peers {
		if !slices.ContainsFunc(f.peers, func(s *peerState) bool { return s.is(p) && s.err != errRemoved }) {
			f.employ(f.add(p))
		}
	}
	return nil // what follows from it is tick's to find out: a fetch does not end meanwhile
}

// is reports whether two name the same peer.
func (p Peer) is(o Peer) bool {
	if p.Addr != o.Addr || (p.Key == nil) != (o.Key == nil) || !p.PSK.Equal(o.PSK) {
		return false
	}
	return p.Key == nil || *p.Key == *o.Key
}
