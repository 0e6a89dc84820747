package peer

import (
	"errors"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// maxRequests is how many a session has under way at once. A server takes
// maxGets, and some may be cancelled here and not yet there.
const maxRequests = maxGets / 2

// maxFragments bounds the runs that a piece has arrived in: of segments that every
// path carries it has under 900, so that no order of arrival makes 450. One byte
// in two would be half a million.
const maxFragments = 1024

// get is a request under way.
type get struct {
	data rangeset.Range
	open rangeset.Set // pieces, and parts of some, that are waited for
}

func newGet(r rangeset.Range) *get {
	g := &get{data: r}
	g.open.Add(r)
	return g
}

// part returns what g waits for of piece i, an empty range if nothing. It has one run.
func (c *clientSession) part(g *get, i int64) rangeset.Range {
	whole := assign.PieceRange(i, c.size)
	for _, r := range g.open.Ranges() {
		if r.End > whole.Start {
			return r.Intersect(whole)
		}
	}
	return rangeset.Range{}
}

// cancel drops a request and the pieces that it has begun.
func (c *clientSession) cancel(id proto.ID, g *get) error {
	c.drop(g, g.data)
	delete(c.gets, id)
	return c.tell(&proto.Cancel{ID: id})
}

// drop has g wait no more for the bytes r: what it has begun is given back, or goes on
// with what is left of it.
func (c *clientSession) drop(g *get, r rangeset.Range) {
	for i := assign.PieceIndex(r.Start); i*assign.PieceBytes < r.End; i++ {
		part := c.part(g, i)
		gone := part.Intersect(r)
		if gone.Empty() {
			continue
		}
		g.open.Remove(gone)
		p := c.pieces[part.Start]
		if p == nil {
			continue
		}
		delete(c.pieces, part.Start)
		p.have.Remove(gone)
		switch p.resize(c.part(g, i)); {
		case p.data.Empty():
			c.fetch.putPiece(p)
		case p.complete():
			g.open.Remove(p.data)
			c.fetch.complete(c, p)
		default:
			c.pieces[p.data.Start] = p
		}
	}
}

// splits reports whether to drop r would leave two parts of a piece: it is fetched
// all the same then.
func (c *clientSession) splits(g *get, r rangeset.Range) bool {
	part := c.part(g, assign.PieceIndex(r.Start))
	return part.Start < r.Start && r.End < part.End
}

// takeWork asks for ranges and requests them.
func (c *clientSession) takeWork(now time.Time) {
	c.asksAgain = false
	if c.size < 0 || c.silent {
		return
	}
	for len(c.gets) < maxRequests {
		r, ok, again := c.fetch.lease(c, now)
		if !ok {
			c.asksAgain = again
			return
		}
		id := c.nextID
		c.nextID++
		if len(c.gets) == 0 {
			c.awaiting = now
		}
		c.gets[id] = newGet(r)
		if err := c.tell(&proto.Get{ID: id, File: clientFile, Range: r}); err != nil {
			return // the control stream is full: the peer is silent, and found out by that
		}
	}
}

// partial returns how many bytes of incomplete pieces have come.
func (c *clientSession) partial() (n int64) {
	for _, p := range c.pieces {
		n += p.have.Len()
	}
	return n
}

// credit implements party.
func (c *clientSession) credit() uint32 {
	var open int64
	for _, p := range c.pieces {
		open += p.data.Len() - p.have.Len()
	}
	memory := c.fetch.memoryCredit(open)
	n := min(memory, int64(c.conn.ReadBuffer(baseDatagram))+c.onPath())
	c.starved.Store(memory < assign.PieceBytes)
	return uint32(n)
}

// firstOnPath is what a long path may hold before a round trip of startup has shown
// how much it is: more than a server begins with, and little beside maxPieces (arbitrary).
const firstOnPath = 1 << 20

// onPath returns how many bytes the path itself may hold, beside what waits in
// the socket's buffer: four times what it has held so far, as startup widens
// the window in a round trip.
func (c *clientSession) onPath() int64 {
	st := c.sender.Stats()
	rtt := st.MinRTT
	if rtt == 0 {
		rtt = st.SmoothedRTT // a guess
	}
	held := int64(4 * c.meter.Latest(time.Now(), rtt) * rtt.Seconds())
	if rtt < longPath {
		return held
	}
	return max(held, firstOnPath)
}

// room implements party: it finds the pieces that the segment belongs to.
func (c *clientSession) room(seg *proto.Segment) bool {
	if c.size < 0 {
		return !c.early.Empty() && c.unsized.room(len(seg.Payload))
	}
	g, r := c.wanted(seg)
	if g == nil {
		return true // nobody waits for it: taken, and thrown away
	}
	first, last := assign.PieceIndex(r.Start), assign.PieceIndex(r.End-1)
	for i := first; i <= last; i++ {
		data := c.part(g, i)
		if data.Intersect(r).Empty() || c.pieces[data.Start] != nil || c.fetch.received(c, data) {
			continue
		}
		p := c.fetch.getPiece(c, data, i > first)
		if p == nil {
			return false
		}
		c.pieces[data.Start] = p
	}
	return true
}

// wanted returns which request waits for the bytes of a segment, and where they
// lie; nil if none does.
func (c *clientSession) wanted(seg *proto.Segment) (*get, rangeset.Range) {
	g := c.gets[seg.Request]
	if g == nil {
		return nil, rangeset.Range{}
	}
	start := seg.At(g.data.Start)
	r := rangeset.Range{Start: start, End: start + int64(len(seg.Payload))}
	if g.data.Intersect(r) != r {
		return nil, rangeset.Range{}
	}
	return g, r
}

// place implements party.
func (c *clientSession) place(seg *proto.Segment) {
	if c.size < 0 {
		c.keepUnsized(seg)
		return
	}
	g, r := c.wanted(seg)
	if g == nil {
		return
	}
	c.next = landing{seg.Request, r.End}
	for i := assign.PieceIndex(r.Start); i <= assign.PieceIndex(r.End-1); i++ {
		part := c.part(g, i)
		here := part.Intersect(r)
		if here.Empty() {
			continue // it was told to drop these
		}
		p := c.pieces[part.Start]
		if p == nil {
			g.open.Remove(part) // another session had it first
			continue
		}
		news := p.add(here, seg.Payload[here.Start-r.Start:here.End-r.Start]) // what comes again is no progress
		c.placed += news
		c.meter.Add(news)
		if len(p.have.Ranges()) > maxFragments && c.fault == nil {
			c.fault = violation(errors.New("a piece in crumbs"))
		}
		if p.complete() {
			delete(c.pieces, part.Start)
			g.open.Remove(part)
			c.fetch.complete(c, p)
		}
	}
	if len(g.open.Ranges()) == 0 {
		delete(c.gets, seg.Request)
	}
}
