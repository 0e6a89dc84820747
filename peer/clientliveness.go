package peer

import (
	"errors"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

const (
	// minSilence is the least time without a sign of life, with work
	// outstanding, after which a peer's work is given to others.
	minSilence = 250 * time.Millisecond

	// maxDoubt is the most that a peer which answers is waited for before it is asked
	// again, unless silence is longer (arbitrary).
	maxDoubt = time.Second

	// lookTime is how long a read takes at least that is to bring what has come: longer
	// than datagrams are let gather (arbitrary).
	lookTime = 2 * gatherTime

	// silentEnd is how long a silent session is kept at least: its server may only have
	// been held up. After that it may have been started anew, and knows nothing
	// of the session.
	silentEnd = 3 * time.Second
)

// look is how long a session has waited for datagrams since it was held up last: a socket
// that is read past its deadline brings nothing, whatever waits there.
type look struct {
	until time.Time     // the last read ended
	took  time.Duration // reads have taken since
	sure  bool          // the last read brought something, or reads only fail
}

func (l *look) read(from, to time.Time, sure bool) {
	if from.Sub(l.until) > lookTime {
		l.took = 0
	}
	l.took += to.Sub(from)
	l.until, l.sure = to, sure
}

// enough reports whether what had come would have been read.
func (l *look) enough() bool { return l.sure || l.took >= lookTime }

// errSilent is the end of a session whose peer has fallen silent.
var errSilent = errors.New("no sign of life")

// doubtAt returns when the peer is asked for a sign of life if nothing is heard before: it
// may keep to a limit and have nothing to send for seconds, or be busy. Each time that it
// answers and sends nothing else it has twice as long.
func (c *clientSession) doubtAt() time.Time {
	wait := c.silence() / 2
	if c.placed == c.placedThen {
		wait = max(wait, min(wait<<min(c.doubts, 8), maxDoubt))
	}
	return c.quietSince().Add(wait)
}

// silentAt returns when the peer counts as silent if nothing is heard before.
func (c *clientSession) silentAt() time.Time {
	asked := c.pinged
	if asked.Before(c.quietSince()) {
		asked = c.doubtAt()
	}
	return asked.Add(c.silence() / 2)
}

// endAt returns when a session ends that is silent.
func (c *clientSession) endAt() time.Time { return c.heard.Add(max(silentEnd, 2*c.silence())) }

// mayDoubt reports whether the peer has not been asked yet, nor is anything else under
// way that it would acknowledge.
func (c *clientSession) mayDoubt() bool {
	return c.pinged.Before(c.quietSince()) && c.sender.Idle()
}

// doubt asks the peer for a sign of life.
func (c *clientSession) doubt(now time.Time) error {
	if c.placed != c.placedThen {
		c.doubts, c.placedThen = 0, c.placed
	}
	c.doubts++
	return c.ping(now)
}

// silence is how long nothing may be heard of a peer that sends all the time.
func (c *clientSession) silence() time.Duration {
	return max(3*c.sender.ProbeTimeout(), minSilence)
}

// quietSince returns since when nothing that is awaited has come.
func (c *clientSession) quietSince() time.Time {
	if c.awaiting.After(c.heard) {
		return c.awaiting
	}
	return c.heard
}

// pingAfter returns how long an idle session waits before it asks for a sign of
// life: not long where others wait for what its peer has to tell.
func (c *clientSession) pingAfter() time.Duration {
	if c.fetch.waitsForWord.Load() {
		return lastPing
	}
	return pingInterval
}

// watch notes whether the peer is alive.
func (c *clientSession) watch(now time.Time) error {
	if c.fault != nil {
		return c.fault
	}
	if c.contact != nil && !now.Before(c.contact.until) {
		c.contact.unread = nil
	}
	if c.silent && c.heard.Equal(now) {
		if err := c.revive(); err != nil {
			return err
		}
	}
	waits := c.size < 0 || len(c.gets) > 0 || !c.sender.Idle()
	switch {
	case !waits:
		c.awaiting = time.Time{}
		if after := c.pingAfter(); now.Sub(c.heard) >= after && now.Sub(c.pinged) >= after {
			return c.ping(now)
		}
	case c.awaiting.IsZero():
		c.awaiting = now
	case !c.look.enough(): // what has come is not known
	case c.silent && !now.Before(c.endAt()):
		return errSilent
	case !c.silent && !now.Before(c.silentAt()):
		return c.fallSilent(now)
	case !c.silent && !now.Before(c.doubtAt()) && c.mayDoubt():
		return c.doubt(now)
	}
	if c.meter.Tick(now, len(c.gets) > 0 && !c.silent) {
		c.fetch.publish(c)
	}
	return nil
}

// fallSilent gives the session's work to others, but for what has come, and asks for a
// sign of life.
func (c *clientSession) fallSilent(now time.Time) error {
	c.silent = true
	c.salvage()
	c.fetch.silent(c)
	return c.ping(now)
}

// ping asks for a sign of life.
func (c *clientSession) ping(now time.Time) error {
	c.pinged = now
	return c.tell(&proto.Ping{})
}

// revive goes on with what nobody has taken over meanwhile.
func (c *clientSession) revive() error {
	c.silent = false
	for id, g := range c.gets {
		if open := c.missing(g); len(open) > 0 && c.fetch.reclaim(c, open) {
			g.open.Clear()
			for _, r := range open {
				g.open.Add(r)
			}
			continue
		}
		if err := c.cancel(id, g); err != nil {
			return err
		}
	}
	c.fetch.revived(c)
	return nil
}

// missing returns the pieces of g that are not complete.
func (c *clientSession) missing(g *get) (out []rangeset.Range) {
	for i := assign.PieceIndex(g.data.Start); i*assign.PieceBytes < g.data.End; i++ {
		if r := c.part(g, i); !r.Empty() && (c.pieces[r.Start] != nil || !c.fetch.received(c, r)) {
			out = append(out, r)
		}
	}
	return out
}
