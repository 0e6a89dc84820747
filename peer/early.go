package peer

import (
	"math"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// maxEarly is how many peers are asked for bytes in the handshake, assign.FirstLease of
// each: the first in the config. All of it lies in a stream's first window.
// Arbitrary.
const maxEarly = 4

const _ = uint(streamPieces*assign.PieceBytes - maxEarly*assign.FirstLease) // it does

// firstRequests returns what to ask p for in the handshake: the file and its
// root. The first session with each of the first peers asks for some bytes too,
// each for its own, which saves a round trip; that with the first peer asks for the
// hashes of the pieces as well. What an earlier run has left is not asked for
// blindly, nor is anything of peers whose sessions may get no work.
//
// The other sessions leave these bytes to p's (assign.Assigner.Reserve), until it takes
// them (Claim) or has ended (Unreserve). A server sends nothing of what lies past
// the file's end.
func (f *Fetch) firstRequests(p *peerState) (requests []byte, early rangeset.Range) {
	open := proto.Open{ID: clientFile, Name: f.opt.Name}
	requests = open.Append(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paces() {
		requests = f.firstPace(p).Append(requests)
	}
	root := proto.Tree{File: clientFile}
	if p.index >= min(maxEarly, f.wanted()) || f.size >= 0 || f.opt.HashesOnly || f.resumes {
		return root.Append(requests), rangeset.Range{}
	}
	start := int64(p.index) * assign.FirstLease
	p.early = rangeset.Range{Start: start, End: start + assign.FirstLease}
	get := proto.Get{ID: clientFile + 1, File: clientFile, Range: p.early}
	requests = get.Append(requests)
	if p.index == 0 {
		root.Pieces.End = math.MaxInt64
	}
	return root.Append(requests), p.early
}

// unreserve lets the other sessions fetch what p was asked for early, now that its
// session has ended, if that has not taken it.
func (f *Fetch) unreserve(p *peerState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settleEarly(p)
}

// settleEarly ends the reservation of what p was asked for early.
func (f *Fetch) settleEarly(p *peerState) {
	if f.assign != nil {
		f.assign.Unreserve(p.early)
	}
	p.early = rangeset.Range{}
}

// claim leases a session what it is to have of r, which it has asked for early, and
// returns that: nothing if its peer's file is not the one under way.
func (f *Fetch) claim(c *clientSession, r rangeset.Range) (mine []rangeset.Range) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.joined && !c.told.drops() {
		mine = f.assign.Claim(time.Now(), c.id, r)
	}
	f.settleEarly(c.peer)
	return mine
}

// awaitBeginning waits until a file of size bytes is begun, if another session is
// about that: the lock is free meanwhile. Peers that are equally far away answer
// at once, and what was asked of them early is on its way.
func (f *Fetch) awaitBeginning(size int64) {
	for f.beginning && f.size == size {
		begun := f.begun
		f.mu.Unlock()
		<-begun
		f.mu.Lock()
	}
}

// takeEarly makes the request that went with the handshake one like any other,
// for what no other session has taken of it.
func (c *clientSession) takeEarly() error {
	if c.early.Empty() {
		return nil
	}
	if c.silent { // or to be revived would drop what is leased now
		if err := c.revive(); err != nil {
			return err
		}
	}
	g := &get{data: c.early.Intersect(rangeset.Range{End: c.size})}
	id := c.nextID
	c.nextID++
	for _, m := range c.fetch.claim(c, g.data) {
		g.open.Add(m)
	}
	if len(g.open.Ranges()) > 0 {
		c.gets[id] = g
	}
	for _, r := range g.open.Missing(g.data) {
		if err := c.tell(&proto.Drop{ID: id, Range: r}); err != nil {
			return err
		}
	}
	c.placeUnsized()
	return nil
}
