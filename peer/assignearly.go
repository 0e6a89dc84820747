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

// claim leases a session that has joined what is still free of r, which it has
// asked for before, and returns that.
func (a *assigner) claim(id workerID, r rangeset.Range) []rangeset.Range {
	if a.workers[id] == nil {
		return nil
	}
	mine := overlaps(&a.free, r)
	for _, m := range mine {
		a.lease(id, m)
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
