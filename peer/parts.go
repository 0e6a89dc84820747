package peer

import (
	"chunkcp/internal/assign"
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
	x.data = whole
	return x
}
