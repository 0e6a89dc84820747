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

	// silentEnd is how long a silent session is kept: its server may only have
	// been held up. After that it may have been started anew, and knows nothing
	// of the session.
	silentEnd = 3 * time.Second
)

// errSilent is the end of a session whose peer has fallen silent.
var errSilent = errors.New("no sign of life")

// silentAt returns when the peer counts as silent if nothing is heard before.
func (c *clientSession) silentAt() time.Time {
	since := c.heard
	if c.awaiting.After(since) {
		since = c.awaiting
	}
	return since.Add(max(3*c.sender.ProbeTimeout(), minSilence))
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
			c.pinged = now
			return c.tell(&proto.Ping{})
		}
	case c.awaiting.IsZero():
		c.awaiting = now
	case c.silent && now.Sub(c.heard) >= silentEnd:
		return errSilent
	case !c.silent && !now.Before(c.silentAt()):
		return c.fallSilent()
	}
	if c.meter.Tick(now, len(c.gets) > 0 && !c.silent) {
		c.fetch.publish(c)
	}
	return nil
}

// fallSilent gives the session's work to others, and asks for a sign of life.
func (c *clientSession) fallSilent() error {
	c.silent = true
	c.fetch.silent(c)
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
