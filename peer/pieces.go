package peer

import (
	"io"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
)

// maxPieces bounds the pieces that a fetch holds in memory, in all sessions: what
// 1 Gbit/s has in flight and in repair over 100 ms.
const maxPieces = 32

// Whom a piece is from that no one peer gave whole.
const (
	fromHere    = -1 // it was here before
	fromSeveral = -2 // each gave a part
)

// piece is one unit of the file while it is being received, or what of it one session
// receives.
type piece struct {
	data rangeset.Range // where it lies in the file
	base int64          // where buf does: where the unit begins
	buf  []byte         // assign.PieceBytes long, in space behind frontRoom
	have rangeset.Set

	hasher tree.PieceHasher // of what has come of a whole piece

	space []byte // frontRoom, and buf

	generation int   // of the file that it belongs to
	of         int64 // the size of that file
	from       int   // the peer that gave it, by its index; fromHere or fromSeveral
	target     io.WriterAt
}

func newPiece() *piece {
	space := make([]byte, frontRoom+assign.PieceBytes)
	return &piece{space: space, buf: space[frontRoom:]}
}

func (p *piece) complete() bool { return p.have.Contains(p.data) }

// bytes returns the bytes of r, within the unit.
func (p *piece) bytes(r rangeset.Range) []byte { return p.buf[r.Start-p.base : r.End-p.base] }

// add puts the bytes r that have come to where they belong, unless from is there, and
// returns how many of them are news. What came before stays as it is: it may have been
// hashed.
func (p *piece) add(r rangeset.Range, from []byte) (news int64) {
	if to := p.bytes(r); p.have.Overlaps(r) {
		for _, m := range p.have.Missing(r) {
			news += m.Len()
			copy(p.bytes(m), from[m.Start-r.Start:])
		}
	} else {
		news = r.Len()
		if &to[0] != &from[0] {
			copy(to, from)
		}
	}
	p.have.Add(r)
	if come := p.have.Ranges()[0]; come.Start == p.base && p.data.Len() == assign.PieceBytes {
		p.hasher.Advance(p.buf[:come.End-p.base], assign.PieceIndex(p.base))
	}
	return news
}

// resize has the piece wait for the bytes r only.
func (p *piece) resize(r rangeset.Range) {
	p.data = r
	p.hasher.Reset() // others may write to the rest
}

// piecePool lends pieces. It belongs to whoever holds the fetch's lock.
type piecePool struct {
	idle  []*piece
	lent  int
	limit int
}

// get returns a piece for the bytes data, nil at the limit unless force is set.
func (p *piecePool) get(data rangeset.Range, force bool) *piece {
	if p.lent >= p.limit && !force {
		return nil
	}
	p.lent++
	var x *piece
	if n := len(p.idle); n > 0 {
		x, p.idle = p.idle[n-1], p.idle[:n-1]
	} else {
		x = newPiece()
	}
	x.resize(data)
	x.base = assign.PieceIndex(data.Start) * assign.PieceBytes
	x.have.Clear()
	return x
}

func (p *piecePool) put(x *piece) {
	p.lent--
	if len(p.idle) < p.limit {
		p.idle = append(p.idle, x)
	}
}

func (p *piecePool) left() int { return max(0, p.limit-p.lent) }
