package assign

import (
	"time"

	"chunkcp/internal/rangeset"
)

// Reserve leaves r, whole pieces, to a session that has asked its peer for them
// and has not joined yet, as far as they are free. It ends with Patience, by
// Unreserve, or piece by piece as they are leased.
func (a *Assigner) Reserve(r rangeset.Range) {
	for _, m := range a.freeWhole(r) {
		a.reserved.Add(m)
	}
}

// Unreserve lets anyone have what is still reserved of r.
func (a *Assigner) Unreserve(r rangeset.Range) { a.reserved.Remove(r) }

// Claim is the first turn of a session that has asked for r before it joined: it
// leases and returns what is still free of that, but of a short file no more than
// the session's share, and a piece at least.
func (a *Assigner) Claim(now time.Time, id SessionID, r rangeset.Range) (mine []rangeset.Range) {
	w := a.workers[id]
	if w == nil {
		return nil
	}
	a.turn(now, w)
	var pieces int64
	free := a.freeWhole(r)
	for _, m := range free {
		pieces += piecesIn(m)
	}
	due := max(1, a.earns(now, w, pieces, a.freePieces(), false))
	for _, m := range free {
		if due <= 0 {
			break
		}
		m.End = min(m.End, (PieceIndex(m.Start)+due)*PieceBytes)
		due -= piecesIn(m)
		a.lease(id, m)
		mine = append(mine, m)
	}
	return mine
}

// freeWhole returns the pieces of r, whole pieces, of which all is free.
func (a *Assigner) freeWhole(r rangeset.Range) (out []rangeset.Range) {
	for _, m := range overlaps(&a.free, r) {
		m.Start = (m.Start + PieceBytes - 1) / PieceBytes * PieceBytes
		if m.End < a.size {
			m.End = PieceIndex(m.End) * PieceBytes
		}
		if !m.Empty() {
			out = append(out, m)
		}
	}
	return out
}

// reservedPieces returns how many of the pieces that may be leased are reserved.
func (a *Assigner) reservedPieces() (n int64) {
	for _, r := range a.reserved.Ranges() {
		n += max(0, a.leasable(r))
	}
	return n
}

// beside leases a session k of n free pieces, of which some are kept for others.
// It gets of those only if there are no others and it would idle: they may never
// come. Then it gets the last ones, which their peers would send last; where the
// file is wanted in order, the first.
func (a *Assigner) beside(now time.Time, w *worker, k, n, kept int64) (Work, bool) {
	unreserved, open := a.unreserved()
	switch {
	case open > 0:
		k = min(k, open)
		skip := max(0, a.skipped(now, w)-kept)
		return a.fresh(w, unreserved, min(skip, open-k), k)
	case !a.low(now, w):
		return Work{}, false
	case a.windowed:
		return a.fresh(w, a.free.Ranges(), 0, k)
	}
	return a.fresh(w, a.free.Ranges(), n-k, k)
}

// unreserved returns what is free and not reserved, and how many pieces that has a part
// of which may be leased: the bytes do not tell.
func (a *Assigner) unreserved() (out []rangeset.Range, pieces int64) {
	for _, r := range a.free.Ranges() {
		for _, m := range a.reserved.Missing(r) {
			out = append(out, m)
			pieces += max(0, a.leasable(m))
		}
	}
	return out, pieces
}
