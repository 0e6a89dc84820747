package assign

import (
	"math"
	"time"

	"chunkcp/internal/rangeset"
)

// Window makes the assigner lease in order, and no free piece that begins at
// end or after it: what is received can be written no faster than in order, and
// is kept in memory until then.
func (a *Assigner) Window(end int64) {
	a.windowed, a.end = true, end
}

// skipped returns how many of the first free pieces are left for others: those
// that they would finish before w finished one. Where the order does not matter
// none are.
func (a *Assigner) skipped(now time.Time, w *worker) int64 {
	if !a.windowed {
		return 0
	}
	first := a.alone(w, rangeset.Range{End: PieceBytes})
	return a.others(now, w, first/worthIt, false, math.MaxInt32, nil)
}

// unblock gives a session that runs dry the first piece that is missing, if the
// Window waits for it and it would come sooner so.
func (a *Assigner) unblock(w *worker) (Work, bool) {
	if !a.windowed {
		return Work{}, false
	}
	v, piece := a.holder(a.firstMissing())
	if v == nil || v == w || a.doubled.Overlaps(piece) {
		return Work{}, false
	}
	seconds := a.reaches(v, piece)
	soon := seconds-float64(piece.Len())/a.rate(v) < v.rtt.Seconds()
	if !a.untouched(v, piece) || soon {
		if !a.helps(w, v) {
			return Work{}, false
		}
		return a.double(w, v, piece, seconds)
	}
	if a.alone(w, piece)*worthIt >= seconds {
		return Work{}, false
	}
	a.take(w, v, piece)
	return Work{Data: piece, Victim: v.id}, true
}

// firstMissing returns the offset of the first byte that has not been received.
func (a *Assigner) firstMissing() int64 {
	if done := a.done.Ranges(); len(done) > 0 && done[0].Start == 0 {
		return done[0].End
	}
	return 0
}

// holder returns a session that holds the byte at offset, and what it holds of that
// byte's piece from there on; nil if nobody does.
func (a *Assigner) holder(offset int64) (*worker, rangeset.Range) {
	from := rangeset.Range{Start: offset, End: PieceRange(PieceIndex(offset), a.size).End}
	for _, w := range a.order {
		if held := overlaps(&w.lease, from); len(held) > 0 && held[0].Start == offset {
			return w, held[0]
		}
	}
	return nil, rangeset.Range{}
}

// reaches returns in how many seconds w will have a piece that it holds, if it
// fetches in the order in which it was given its work.
func (a *Assigner) reaches(w *worker, piece rangeset.Range) float64 {
	bytes := piece.Len() - w.partial
	for _, g := range w.grants {
		before := g
		if within := !g.Intersect(piece).Empty(); within {
			before.End = piece.Start
		}
		for _, m := range overlaps(&w.lease, before) {
			bytes += m.Len()
		}
		if before != g {
			break
		}
	}
	return max(0, float64(bytes)) / a.rate(w)
}
