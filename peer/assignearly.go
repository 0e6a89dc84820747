package peer

import (
	"time"

	"chunkcp/internal/rangeset"
)

// reserve leaves r, whole pieces, to a session that has asked its peer for them
// and has not joined yet, as far as they are free. It ends with patience, by
// unreserve, or piece by piece as they are leased.
func (a *assigner) reserve(r rangeset.Range) {
	for _, m := range overlaps(&a.free, r) {
		a.reserved.Add(m)
	}
}

// unreserve lets anyone have what is still reserved of r.
func (a *assigner) unreserve(r rangeset.Range) { a.reserved.Remove(r) }

// claim is the first turn of a session that has asked for r before it joined: it
// leases and returns what is still free of that, but of a short file no more than
// the session's share, and a piece at least.
func (a *assigner) claim(now time.Time, id workerID, r rangeset.Range) (mine []rangeset.Range) {
	w := a.workers[id]
	if w == nil {
		return nil
	}
	a.turn(now, w)
	var pieces int64
	for _, m := range overlaps(&a.free, r) {
		pieces += piecesIn(m)
	}
	due := max(1, a.earns(now, w, pieces, a.freePieces(), false))
	for _, m := range overlaps(&a.free, r) {
		if due <= 0 {
			break
		}
		m.End = min(m.End, (pieceIndex(m.Start)+due)*PieceBytes)
		due -= piecesIn(m)
		a.lease(id, m)
		mine = append(mine, m)
	}
	return mine
}

// reservedPieces returns how many of the pieces that may be leased are reserved.
func (a *assigner) reservedPieces() (n int64) {
	for _, r := range a.reserved.Ranges() {
		n += max(0, a.leasable(r))
	}
	return n
}

// beside leases a session k of n free pieces, of which some are kept for others.
// It gets of those only if there are no others and it would idle: they may never
// come. Then it gets the last ones, which their peers would send last; where the
// file is wanted in order, the first.
func (a *assigner) beside(now time.Time, w *worker, k, n, kept int64) (assignment, bool) {
	open := n - kept
	switch {
	case open > 0:
		k = min(k, open)
		skip := max(0, a.skipped(now, w)-kept)
		return a.fresh(w, a.unreserved(), min(skip, open-k), k)
	case !w.low():
		return assignment{}, false
	case a.windowed:
		return a.fresh(w, a.free.Ranges(), 0, k)
	}
	return a.fresh(w, a.free.Ranges(), n-k, k)
}

// unreserved returns what is free and not reserved.
func (a *assigner) unreserved() (out []rangeset.Range) {
	for _, r := range a.free.Ranges() {
		out = append(out, a.reserved.Missing(r)...)
	}
	return out
}

// piecesIn returns how many pieces r, which is not empty, has a part of.
func piecesIn(r rangeset.Range) int64 { return pieceIndex(r.End-1) - pieceIndex(r.Start) + 1 }
