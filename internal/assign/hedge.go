package assign

import (
	"slices"
	"time"

	"chunkcp/internal/rangeset"
)

// What is fetched twice for the sake of the end is bounded by the bytes that are
// given to a second holder, which is more than those that come in vain: of most
// pieces one holder has a part only when the other one has the whole.
//
// From bigFile on that is 1 % of the file. Of a smaller one a piece may be
// repeated for each session but one, which is what there is to gain when all
// have come to their last: 1 % would be none.
const (
	hedgedPart = 0.01
	bigFile    = 128 << 20 // 1 % is more than a piece

	// hopelessly is how many times as fast as the holder a session must be to
	// repeat its piece whatever has been repeated: of the copy that loses little
	// more can come while the other one does.
	hopelessly = 20
)

// hedgeBudget returns how many bytes may be given to a second holder.
func (a *Assigner) hedgeBudget() int64 {
	if a.size >= bigFile {
		return int64(hedgedPart * float64(a.size))
	}
	return PieceBytes * int64(max(1, len(a.order)-1))
}

// hedge repeats, with a session that runs dry, the piece that would come last of
// all, if it would come sooner so. While free pieces wait for a window to move,
// the end is not near.
func (a *Assigner) hedge(now time.Time, w *worker) (Work, bool) {
	if a.freeBytes > 0 || !a.quickest(now, w) {
		return Work{}, false
	}
	v := a.slowest(w, a.helps, a.lone)
	if v == nil {
		return Work{}, false
	}
	piece := v.last(1, func(p rangeset.Range) bool { return a.lone(v, p) })
	if a.untouched(v, piece) && v.held > piece.Len() && a.stoppable(v) > 0 {
		return Work{}, false // to be taken over, if anything
	}
	return a.double(w, v, piece, a.ends(v))
}

// helps reports whether w may repeat what v holds. Over a path that both share that
// takes from v what it gives to w, unless v hardly moves though w has.
func (a *Assigner) helps(w, v *worker) bool {
	return w != v && (w.peer != v.peer || w.known() && v.known() && v.speed()*hopelessly < w.speed())
}

// lone reports whether a piece that a session holds is held by no other.
func (a *Assigner) lone(_ *worker, p rangeset.Range) bool { return !a.doubled.Overlaps(p) }

// quickest reports whether w would have repeated a piece before the others could
// have repeated all that is worth it.
func (a *Assigner) quickest(now time.Time, w *worker) bool {
	seconds := a.alone(w, rangeset.Range{End: PieceBytes})
	var late int64
	var holders []*worker
	for _, o := range a.order {
		if a.helps(w, o) && a.ends(o) > seconds*worthIt {
			late += (a.single(o) + PieceBytes - 1) / PieceBytes
			holders = append(holders, o)
		}
	}
	may := func(o *worker) bool {
		return slices.ContainsFunc(holders, func(v *worker) bool { return a.helps(o, v) })
	}
	return late > 0 && a.others(now, w, seconds, false, late, may) < late
}

// double makes w the second holder of a piece that v would have in so many
// seconds, if that is worth it.
func (a *Assigner) double(w, v *worker, piece rangeset.Range, seconds float64) (Work, bool) {
	if a.alone(w, piece)*worthIt >= seconds {
		return Work{}, false
	}
	if a.hedged+piece.Len() > a.hedgeBudget() && a.rate(v)*hopelessly > a.rate(w) {
		return Work{}, false
	}
	a.hedged += piece.Len()
	a.doubled.Add(piece)
	w.hold(piece)
	return Work{Data: piece, Victim: v.id, Shared: true}, true
}

// relieve gives w a piece that two sessions hold, instead of the slower, if both
// hardly move any more: two that trickle must not keep a piece from the rest.
func (a *Assigner) relieve(w *worker) (Work, bool) {
	for _, r := range a.doubled.Ranges() {
		for i := PieceIndex(r.Start); i <= PieceIndex(r.End-1); i++ {
			piece := PieceRange(i, a.size).Intersect(r)
			v := a.slower(piece, a.rate(w)/hopelessly)
			if v == nil || w.lease.Overlaps(piece) {
				continue
			}
			part := overlaps(&v.lease, piece)[0]
			v.drop(part)
			w.hold(part)
			return Work{Data: part, Victim: v.id}, true
		}
	}
	return Work{}, false
}

// slower returns the slowest of those that hold some of a piece, nil if one is faster
// than limit, in bytes per second.
func (a *Assigner) slower(piece rangeset.Range, limit float64) (v *worker) {
	for _, o := range a.order {
		switch {
		case !o.lease.Overlaps(piece):
		case a.rate(o) > limit:
			return nil
		case v == nil || a.rate(o) < a.rate(v):
			v = o
		}
	}
	return v
}

// alone returns how many seconds w would take to fetch r from its first byte.
func (a *Assigner) alone(w *worker, r rangeset.Range) float64 {
	return (a.busy(w, false) + float64(r.Len())) / a.rate(w)
}
