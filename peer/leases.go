package peer

import (
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
)

// lease returns the next range for a session to fetch. again says that there is
// none now, and may be soon.
func (f *Fetch) lease(c *clientSession, now time.Time) (r rangeset.Range, ok, again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.active || c.told.drops() { // what it is told to drop may be what it would be leased
		return rangeset.Range{}, false, false
	}
	a, ok := f.assign.Next(now, c.id)
	if ok && a.Victim != assign.Nobody && !a.Shared {
		f.revoke(a.Victim, a.Data)
	}
	return a.Data, ok, !ok && !f.assign.Complete()
}

// revoke tells a session that it has nothing to do with the bytes r any more.
func (f *Fetch) revoke(id assign.SessionID, r rangeset.Range) {
	if c := f.byID[id]; c != nil {
		c.order(func(o *orders) { o.revoked = append(o.revoked, r) })
	}
}

// received reports whether the piece r has been received by any session.
func (f *Fetch) received(c *clientSession, r rangeset.Range) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.proves(c) && (!c.joined || f.assign.Done(r))
}

// reclaim leases ranges to a session again, all or none. Orders that it has not
// obeyed are of before, and would have it drop what it is leased now.
func (f *Fetch) reclaim(c *clientSession, ranges []rangeset.Range) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return c.joined && !c.told.drops() && f.assign.Reclaim(c.id, ranges)
}

// fastSession is the rate, in bytes per second, from which a session delivers its
// pieces itself, over fastWithin at least (arbitrary): a piece takes twice that to
// come, and a fortieth of it to be hashed and written.
const (
	fastSession = 50_000_000
	fastWithin  = 10 * time.Millisecond
)

// complete takes a piece that a session has received. Where bytes come so fast
// that the CPU may be what bounds them, the session delivers it at once, while it
// is in the core's cache, unless that is likely to take long.
func (f *Fetch) complete(c *clientSession, p *piece) {
	now := time.Now()
	switch p = f.accept(c, p); {
	case p == nil:
	case c.meter.Latest(now, fastWithin) >= fastSession && f.dest.quick(now):
		if err := f.deliver(p); err != nil {
			f.end(err)
		}
	default:
		f.writes <- p
	}
}

// accept takes a piece, or a part, that a session has received, and returns the piece
// that is to be delivered, nil if none is.
func (f *Fetch) accept(c *clientSession, p *piece) *piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.joined || f.over || p.generation != f.generation {
		if !f.over {
			f.tookLast(c, p)
		}
		f.pool.put(p)
		return nil
	}
	news, losers := f.assign.Received(c.id, p.data)
	if !news {
		f.pool.put(p)
		f.wakeStarved()
		return nil
	}
	for _, id := range losers {
		f.revoke(id, p.data)
	}
	p.from, p.target = c.peer.index, f.target
	if p = f.assemble(p); p != nil {
		f.writing++
	}
	return p
}

// getPiece lends a piece for its bytes data, nil if there is none left. second
// says that a segment lies in two pieces and this is the second: where nothing
// is being written, so that no piece will come back, it may pass the limit, or
// the first could never be completed.
func (f *Fetch) getPiece(c *clientSession, data rangeset.Range, second bool) *piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pool.get(data, second && f.writing == 0)
	if p != nil {
		p.generation, p.of = c.generation, c.size
		if c.joined {
			f.assign.Begun(c.id, data)
		}
	}
	return p
}

func (f *Fetch) putPiece(p *piece) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool.put(p)
}

// memoryCredit returns what a session may have in flight: its share of the
// pieces that are not lent, and open bytes of those that it has.
func (f *Fetch) memoryCredit(open int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	share := int64(f.pool.left()) * assign.PieceBytes / int64(max(1, len(f.sessions)))
	return min(share+open, maxCredit)
}
