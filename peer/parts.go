package peer

import (
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
)

// assemble takes a piece, or a part of one that sessions share, and returns the piece once
// all of it has come, nil before. The first part to come waits for the others. It is
// not lent meanwhile: whoever is to receive the others needs memory for them. The
// assigner bounds how many pieces are shared at once.
func (f *Fetch) assemble(p *piece) *piece {
	i := assign.PieceIndex(p.data.Start)
	whole := assign.PieceRange(i, f.size)
	x := f.parts[i]
	switch {
	case p.data == whole:
		delete(f.parts, i)
		return p
	case x == nil:
		p.have.Clear()
		p.have.Add(p.data)
		f.parts[i] = p
		f.pool.lent--
		f.wakeStarved()
		return nil
	}
	copy(x.bytes(p.data), p.bytes(p.data))
	x.have.Add(p.data)
	if x.from != p.from {
		x.from = fromSeveral
	}
	f.pool.put(p)
	f.wakeStarved()
	if !x.have.Contains(whole) {
		return nil
	}
	delete(f.parts, i)
	f.pool.lent++
	x.resize(whole)
	return x
}

// salvage hands in what has come of the pieces that a session may not complete, as parts
// of theirs, and goes on with the rest of each.
func (c *clientSession) salvage() {
	for _, g := range c.gets {
		for _, r := range c.missing(g) {
			if p := c.pieces[r.Start]; p != nil {
				c.drop(g, c.fetch.salvage(c, p))
			}
		}
	}
}

// salvage takes the beginning of a piece that a session may not complete, and returns
// what it took: nothing of a peer that gave a wrong one, or broke the protocol.
func (f *Fetch) salvage(c *clientSession, p *piece) rangeset.Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	come := p.have.Ranges()
	if !c.joined || f.over || p.generation != f.generation || c.fault != nil || c.peer.bad != nil || c.peer.state == Out ||
		len(come) == 0 || come[0].Start != p.data.Start {
		return rangeset.Range{}
	}
	r := f.assign.Salvage(c.id, come[0])
	if r.Empty() {
		return r
	}
	x := f.pool.get(r, true)
	x.generation, x.of, x.from, x.target = p.generation, p.of, c.peer.index, f.target
	copy(x.bytes(r), p.bytes(r))
	f.assemble(x) // cannot be the last of its piece: the session lacks some
	return r
}
