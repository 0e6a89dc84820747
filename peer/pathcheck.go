package peer

import (
	"errors"
	"net/netip"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// challengeGap is the least time between two challenges of a session: who sends
	// its datagrams on from a thousand addresses gets ten of 43 bytes a second
	// (arbitrary; a move is found out a round trip after the first datagram, or
	// this later).
	challengeGap = 100 * time.Millisecond

	// challengeTries is how often one address is asked (RFC 9000, section 8.2.4,
	// gives up after three probe timeouts).
	challengeTries = 3

	// amplification is how many times the bytes received from an address may be
	// sent to it before it has proven itself (RFC 9000, section 8.1).
	amplification = 3

	// challengeBytes is the length of a sealed challenge.
	challengeBytes = proto.SealedHeaderLen + 1 + proto.PathDataLen + secure.Overhead
)

// pathCheck is a server's doubt about where its client is. A datagram that is
// authentic and newer than all others, from an address that is not the client's,
// may mean that the client has moved, or that somebody has sent on what he saw.
// The address is asked; the session stays where it is until the answer has come
// from there, which whoever only sends on cannot give. The address that is left is
// not asked (RFC 9000, section 9.3.3, has that done): a client does not fall silent
// while it fetches, and its next datagram that arrives before any copy has its own
// address asked.
type pathCheck struct {
	addr     netip.AddrPort // being checked; zero: none is
	data     proto.PathData // of the challenge
	received int            // bytes from there
	sent     int            // bytes to there
	tries    int
	due      time.Time // of the next challenge, if addr is valid
	askedAt  time.Time // of the last one, whoever got it
	proven   bool
	rtt      time.Duration // from the last challenge to its answer
}

// heard takes note of an authentic datagram of so many bytes from an address that
// is not the client's. newest says that none with a higher number had come.
func (p *pathCheck) heard(now time.Time, from netip.AddrPort, bytes int, newest bool) {
	switch {
	case from == p.addr:
		p.received += bytes
	case newest && now.Sub(p.askedAt) >= challengeGap:
		*p = pathCheck{addr: from, received: bytes, due: now, askedAt: p.askedAt}
	}
}

// poll returns whether to send a challenge now, which it makes of random bits.
func (p *pathCheck) poll(now time.Time, timeout time.Duration, random func() uint64) (proto.PathChallenge, bool) {
	if !p.addr.IsValid() || now.Before(p.due) {
		return proto.PathChallenge{}, false
	}
	if p.tries == challengeTries || p.sent+challengeBytes > amplification*p.received {
		p.addr = netip.AddrPort{}
		return proto.PathChallenge{}, false
	}
	if p.tries == 0 {
		for i, bits := 0, random(); i < len(p.data); i++ {
			p.data[i] = byte(bits >> (8 * i))
		}
	}
	p.tries++
	p.sent += challengeBytes
	p.askedAt, p.due = now, now.Add(max(timeout, challengeGap))
	return proto.PathChallenge{Data: p.data}, true
}

// answer takes a response. One that comes from elsewhere proves nothing: the
// challenge has been sent on.
func (p *pathCheck) answer(now time.Time, from netip.AddrPort, r proto.PathResponse) {
	if p.addr.IsValid() && p.tries > 0 && from == p.addr && r.Data == p.data {
		p.proven, p.rtt = true, now.Sub(p.askedAt)
	}
}

// nextTimeout returns when to poll, zero for never.
func (p *pathCheck) nextTimeout() time.Time {
	if !p.addr.IsValid() {
		return time.Time{}
	}
	return p.due
}

// handleChallenge answers a server that wonders where this client is.
func (s *session) handleChallenge(frame []byte) error {
	c, err := proto.ParsePathChallenge(frame)
	if err != nil {
		return violation(err)
	}
	if s.check != nil {
		return violation(errors.New("a client does not send path challenges"))
	}
	return s.sendFrame(&proto.PathResponse{Data: c.Data})
}

// handleResponse takes a client's answer.
func (s *session) handleResponse(now time.Time, frame []byte) error {
	r, err := proto.ParsePathResponse(frame)
	if err != nil {
		return violation(err)
	}
	if s.check == nil {
		return violation(errors.New("a server does not send path responses"))
	}
	s.check.answer(now, s.from, r)
	return nil
}
