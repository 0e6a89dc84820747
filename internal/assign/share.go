package assign

import (
	"time"

	"chunkcp/internal/rangeset"
)

const (
	// shareBytes is what pieces are divided by, and the least that is worth a request:
	// what a server reads and sends at once.
	shareBytes = 64 << 10

	// maxDivided is how many pieces may be divided at once: a part that has come waits
	// in memory for the others. Arbitrary: only at the end of a fetch, or of a session, is
	// there any.
	maxDivided = 8
)

// share divides the piece that would come last of all: a session that runs dry takes
// so much of its end that all end at once. Nothing comes twice by that but what was on
// its way.
func (a *Assigner) share(now time.Time, w *worker) (Work, bool) {
	if a.freeBytes > 0 {
		return Work{}, false // what waits for a window to move comes later
	}
	v := a.slowest(w, a.helps, a.divisible)
	if v == nil || a.rate(v)*hopelessly < a.rate(w) {
		return Work{}, false // what that one keeps would come late as well
	}
	piece := v.last(1, func(p rangeset.Range) bool { return a.divisible(v, p) })
	most := piece.Len()
	if !a.untouched(v, piece) {
		most -= shareBytes
	}
	end := a.allEnd(now)
	spare := a.rate(w)*end - a.before(now, w)
	excess := a.ahead(now, v) - a.rate(v)*max(end, v.rtt.Seconds())
	n := int64(min(spare, excess, float64(most)))
	cut := (piece.End - max(0, n) + shareBytes - 1) / shareBytes * shareBytes
	r := rangeset.Range{Start: cut, End: piece.End}
	if r.Len() < shareBytes {
		return Work{}, false
	}
	a.take(w, v, r)
	a.divided.Add(a.pieceOf(piece))
	return Work{Data: r, Victim: v.id}, true
}

// allEnd returns in how many seconds all sessions would end if what is left were
// dealt so that they end at once.
func (a *Assigner) allEnd(now time.Time) float64 {
	var bytes, rate float64
	for _, o := range a.order {
		if o.counts(now) {
			bytes += a.before(now, o)
			rate += a.rate(o)
		}
	}
	return bytes / rate
}

// before returns how many bytes a session could receive until the first one comes of
// what it asks for now.
func (a *Assigner) before(now time.Time, w *worker) float64 {
	return max(a.ahead(now, w), a.rate(w)*w.rtt.Seconds())
}

// divisible reports whether a piece that a session holds may be divided, or taken over
// if it is a part that has not been begun.
func (a *Assigner) divisible(v *worker, p rangeset.Range) bool {
	return a.mayDivide(p) && (p.Len() >= 2*shareBytes || a.untouched(v, p))
}

// mayDivide reports whether what one session holds of a piece may become two parts.
func (a *Assigner) mayDivide(p rangeset.Range) bool {
	return !a.doubled.Overlaps(p) && !a.reopened.Overlaps(p) &&
		(a.divided.Contains(a.pieceOf(p)) || a.divided.Len() <= (maxDivided-1)*PieceBytes)
}

// Salvage counts the bytes that have come in a row from the beginning of what a session
// holds of a piece, and is about to give back, as a part that was received: others
// fetch the rest only. It returns what counts, an empty range if nothing.
func (a *Assigner) Salvage(id SessionID, come rangeset.Range) rangeset.Range {
	come.End = come.End / shareBytes * shareBytes
	w := a.workers[id]
	if come.Empty() || w == nil || !w.lease.Contains(come) || !a.mayDivide(come) {
		return rangeset.Range{}
	}
	a.divided.Add(a.pieceOf(come))
	a.Received(id, come)
	return come
}

// pieceOf returns the piece that a part is of.
func (a *Assigner) pieceOf(part rangeset.Range) rangeset.Range {
	return PieceRange(PieceIndex(part.Start), a.size)
}

// undivide notes that a piece, or a part, was received.
func (a *Assigner) undivide(part rangeset.Range) {
	if piece := a.pieceOf(part); a.divided.Overlaps(piece) && a.done.Contains(piece) {
		a.divided.Remove(piece)
	}
}
