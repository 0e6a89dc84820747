package assign

import (
	"time"

	"chunkcp/internal/rangeset"
)

// worthIt is how much longer it must take to leave a piece where it is than to
// have another session fetch it: rates are known to a tenth or so, and sessions
// that are alike must not take from each other. Arbitrary.
const worthIt = 1.25

// waits reports whether a session holds what it has not begun.
func (a *Assigner) waits(_, v *worker) bool { return v.held > v.begunBytes }

// untouched reports whether a session holds the piece alone and has no byte of
// it.
func (a *Assigner) untouched(w *worker, p rangeset.Range) bool {
	return !w.begun.Overlaps(p) && !a.doubled.Overlaps(p)
}

// steal moves work to a session that runs dry from the one that would end last:
// pieces that have not been begun, from the end of what that one holds, so many
// that both end together. It gives no more than want, and nothing to a session
// that would end later with it than all will if each does its part.
func (a *Assigner) steal(now time.Time, w *worker, want int64) (Work, bool) {
	v := a.slowest(w, a.waits, a.untouched)
	if v == nil {
		return Work{}, false
	}
	var pool int64
	for _, o := range a.order {
		pool += (o.held - o.begunBytes + PieceBytes - 1) / PieceBytes
	}
	own := (w.held - w.begunBytes + PieceBytes - 1) / PieceBytes
	k := a.earns(now, w, min(want+own, pool), pool, true) - own
	k = min(k, a.even(w, v))
	run := v.last(k, func(p rangeset.Range) bool { return a.untouched(v, p) })
	if run.Empty() {
		return Work{}, false
	}
	a.take(w, v, run)
	return Work{Data: run, Victim: v.id}, true
}

// even returns how many pieces w should take from v for both to end together,
// 0 if that would gain little.
func (a *Assigner) even(w, v *worker) int64 {
	rw, rv := a.rate(w), a.rate(v)
	bw, bv := a.busy(w, false), float64(v.outstanding())
	end := func(k int64) float64 {
		return max((bw+float64(k)*PieceBytes)/rw, (bv-float64(k)*PieceBytes)/rv)
	}
	k := max(0, int64((bv*rw-bw*rv)/(PieceBytes*(rw+rv))))
	if end(k+1) < end(k) {
		k++
	}
	k = min(k, a.stoppable(v))
	// What it gains is set against the one piece that would come last: a long
	// queue is worth a small part.
	if end(k)+(worthIt-1)*PieceBytes/max(rw, rv) > end(0) {
		return 0
	}
	return k
}

// stoppable returns how many pieces v can be kept from beginning: what will come
// for it within a round trip comes in any case.
func (a *Assigner) stoppable(v *worker) int64 {
	return max(0, int64(float64(v.outstanding())-a.rate(v)*v.rtt.Seconds())) / PieceBytes
}

// take moves pieces that v holds alone to w.
func (a *Assigner) take(w, v *worker, r rangeset.Range) {
	v.drop(r)
	w.hold(r)
}
