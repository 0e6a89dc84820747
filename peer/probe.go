package peer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// ProbeTime is the longest that a Probe takes: room for the first five Hellos
// (firstRepeat), and as long as a user likes to wait for a list.
const ProbeTime = 2 * time.Second

// Answer is what a server tells anybody who greets it.
type Answer struct {
	Addr netip.AddrPort   // to which its name resolved
	Key  secure.PublicKey // that it has proved to hold
	RTT  time.Duration

	// Versions are those of the protocol that it speaks. If this program's is not
	// among them the rest is not known.
	Versions []uint16
}

// Understood reports whether the server speaks this program's version.
func (a Answer) Understood() bool { return a.Key != secure.PublicKey{} }

// errGreeted ends a handshake of which the server's answer was all that was
// wanted.
var errGreeted = errors.New("greeted")

// Probe greets p by the handshake of a fetch, up to the server's answer: it opens no
// session and does not tell who asks. An answer with another key than p.Key counts if no
// other comes in time. An error is of the way there, or ErrNoPeers if nothing answered.
func Probe(ctx context.Context, p Peer, network Network) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ProbeTime)
	defer cancel()
	if network == nil {
		network = HostNetwork{}
	}
	var a Answer
	var err error
	if a.Addr, err = network.Resolve(ctx, p.Addr); err != nil {
		return a, err
	}
	conn, err := network.Dial(a.Addr)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	stranger, err := secure.NewIdentity(nil) // never shown: that would be the third message
	if err != nil {
		return a, err
	}
	h, err := newHandshake(conn, stranger, p.PSK)
	if err != nil {
		return a, err
	}
	_, err = h.run(ctx, func(key secure.PublicKey) error {
		a.Key, a.RTT = key, max(time.Since(h.lastSent), time.Microsecond)
		if p.Key != nil && *p.Key != key { // the right one may come yet
			return ErrKey
		}
		return errGreeted
	}, proto.Welcome{}, nil)
	switch {
	case errors.Is(err, errGreeted), errors.Is(err, ErrKey):
		a.Versions = []uint16{proto.Version}
	case len(h.versions) > 0: // a hint that anybody could forge, and no more is made of it
		a.Versions = h.versions
	case errors.Is(err, errNoAnswer):
		return a, fmt.Errorf("%w: %w from %v within %v", ErrNoPeers, err, a.Addr, ProbeTime)
	default:
		return a, err
	}
	return a, nil
}
