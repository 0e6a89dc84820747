package assign

import (
	"math"
	"slices"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

const (
	// dribble is the part of what a session should hold that must be missing
	// before it is given more, so that requests are few: four a second. Arbitrary.
	dribble = 0.25

	// Patience is how long a session that holds nothing is reckoned with after
	// it has asked, and how long those are waited for that are expected to join,
	// and what they have asked for is left to them: the first answers and a
	// handshake or two. Arbitrary.
	Patience = time.Second

	// retryAfter is how long a session is left without work because it is too
	// slow, before it gets a piece to show that it no longer is: its rate is not
	// measured while it has nothing to do. Arbitrary.
	retryAfter = 5 * time.Second

	// hair keeps rounding from deciding between equals: of what is fetched in a
	// turn's reach it is far below a piece.
	hair = 1e-9
)

// Next is a session's turn: it returns what the session is to fetch besides
// what it holds, false if that is nothing for now.
func (a *Assigner) Next(now time.Time, id SessionID) (Work, bool) {
	w := a.workers[id]
	if w == nil || a.left == 0 {
		return Work{}, false
	}
	a.turn(now, w)
	want := min(a.wants(now, w, w.target()), proto.MaxGetBytes/PieceBytes)
	if want == 0 || len(w.grants) >= maxGrants {
		return Work{}, false
	}
	got, ok := a.give(now, w, want)
	if !ok && w.held == 0 && w.dry.IsZero() {
		w.dry = now
	}
	return got, ok
}

func (a *Assigner) give(now time.Time, w *worker, want int64) (Work, bool) {
	if n := a.freePieces(); n > 0 {
		k := a.due(now, w, min(want, n), n)
		if k == 0 {
			return Work{}, false
		}
		if kept := a.reservedPieces(); kept > 0 {
			return a.beside(now, w, k, n, kept)
		}
		return a.fresh(w, a.free.Ranges(), min(a.skipped(now, w), n-k), k)
	}
	if !a.low(now, w) {
		return Work{}, false
	}
	if got, ok := a.unblock(w); ok {
		return got, true
	}
	if got, ok := a.steal(now, w, want); ok {
		return got, true
	}
	if got, ok := a.share(now, w); ok {
		return got, true
	}
	if got, ok := a.hedge(now, w); ok {
		return got, true
	}
	return a.relieve(w)
}

// wants returns how many pieces more a session may be given if it should hold
// target bytes, 0 while it has enough.
func (a *Assigner) wants(now time.Time, w *worker, target int64) int64 {
	missing := target - w.outstanding()
	if float64(missing) < dribble*float64(target) {
		return 0
	}
	if n := missing / PieceBytes; n > 0 || !a.low(now, w) {
		return n
	}
	return 1 // of a slow session's target a piece is more than is missing, ever
}

// turn begins a session's turn: it looks at who is there.
func (a *Assigner) turn(now time.Time, w *worker) {
	if a.began.IsZero() {
		a.began = now
	}
	w.asked = now
	known, sum := 0, 0.0
	for _, w := range a.order {
		if rate := w.speed(); rate > 0 {
			known++
			sum += rate
		}
	}
	a.typical = PieceBytes // any rate deals evenly if none is known
	if known > 0 {
		a.typical = sum / float64(known)
	}
	a.absent = 0
	if now.Sub(a.began) < Patience {
		a.absent = max(0, a.expected-a.peersSeen())
	} else {
		a.reserved.Clear()
	}
}

// peersSeen returns how many peers there are with whom a session has had a turn.
func (a *Assigner) peersSeen() (n int) {
	for i, w := range a.order {
		if w.seen() && !slices.ContainsFunc(a.order[:i], func(o *worker) bool { return o.peer == w.peer && o.seen() }) {
			n++
		}
	}
	return n
}

func (w *worker) seen() bool { return w.held > 0 || !w.asked.IsZero() }

// rate returns the rate to reckon with in this turn, in bytes per second.
func (a *Assigner) rate(w *worker) float64 {
	if rate := w.speed(); rate > 0 {
		return rate
	}
	return a.typical
}

// counts reports whether a session is there to do its part of what is left: one
// that holds nothing and does not ask is not.
func (w *worker) counts(now time.Time) bool {
	return w.held > 0 || !w.asked.IsZero() && now.Sub(w.asked) <= Patience
}

// busy returns how many bytes a session could receive until the first one of a
// piece that it asks for now: what it has to receive before or, if that is
// less, what a round trip carries. In the tail what it has not begun does not
// count: that is dealt anew.
func (a *Assigner) busy(w *worker, tail bool) float64 {
	before := w.outstanding()
	if tail {
		before = max(0, w.begunBytes-w.partial)
	}
	return max(float64(before), a.rate(w)*w.rtt.Seconds())
}

// others returns how many pieces the others could have finished before a time,
// in seconds from now, if they were given pieces now: n at most. Only those count
// that may, if that is not nil.
func (a *Assigner) others(now time.Time, w *worker, before float64, tail bool, n int64, may func(*worker) bool) (sum int64) {
	before *= 1 - hair
	for _, o := range a.order {
		if o == w || !o.counts(now) || may != nil && !may(o) {
			continue
		}
		if bytes := before*a.rate(o) - a.busy(o, tail); bytes > 0 {
			sum += min(n, int64(bytes/PieceBytes))
		}
		if sum >= n {
			return n
		}
	}
	perAbsent := min(n, int64(before*a.typical/PieceBytes))
	return min(n, sum+int64(a.absent)*perAbsent)
}

// earns returns how many of n pieces, want at most, a session would finish
// before the others could have finished the rest. So each piece goes to who
// would finish it first, and a session gets none that it would finish later than
// all the others together the whole.
func (a *Assigner) earns(now time.Time, w *worker, want, n int64, tail bool) int64 {
	busy, rate := a.busy(w, tail), a.rate(w)
	earned := func(k int64) bool {
		return k+a.others(now, w, (busy+float64(k)*PieceBytes)/rate, tail, n, nil) <= n
	}
	if earned(want) {
		return want
	}
	low, high := int64(0), want // low is earned, high is not
	for high-low > 1 {
		if k := low + (high-low)/2; earned(k) {
			low = k
		} else {
			high = k
		}
	}
	return low
}

// due returns how many of n free pieces a session is given, want at most.
func (a *Assigner) due(now time.Time, w *worker, want, n int64) int64 {
	k := a.earns(now, w, want, n, false)
	switch {
	case k == 0 && w.held == 0 && (a.absent > 0 || a.retries(now, w)):
		return 1 // nobody idles for those who may never come
	case k < want && !a.low(now, w):
		// Its share is all that it should hold now: there, too, no dribbling.
		return min(k, a.wants(now, w, w.outstanding()+k*PieceBytes))
	}
	return k
}

// retries reports whether a session has been left out for long, and there is
// time to see whether it still has to be.
func (a *Assigner) retries(now time.Time, w *worker) bool {
	if w.dry.IsZero() || now.Sub(w.dry) < retryAfter {
		return false
	}
	var sum float64
	for _, o := range a.order {
		if o.counts(now) {
			sum += a.rate(o)
		}
	}
	return float64(a.left) > sum*retryAfter.Seconds()
}

// freePieces returns how many pieces may be leased.
func (a *Assigner) freePieces() (n int64) {
	if !a.windowed {
		return (a.freeBytes + PieceBytes - 1) / PieceBytes
	}
	for _, r := range a.free.Ranges() {
		if r.Start >= a.end {
			break
		}
		n += a.leasable(r)
	}
	return n
}

// leasable returns how many pieces of r, which is free, may be leased.
func (a *Assigner) leasable(r rangeset.Range) int64 {
	return PieceIndex(min(r.End-1, a.end-1)) - PieceIndex(r.Start) + 1
}

// fresh leases a session k pieces of ranges that are free, or as many as lie
// together, after those that are skipped.
func (a *Assigner) fresh(w *worker, free []rangeset.Range, skip, k int64) (Work, bool) {
	for _, r := range free {
		n := a.leasable(r)
		if n <= skip {
			skip -= n
			continue
		}
		first := PieceIndex(r.Start) + skip
		r.Start = max(r.Start, first*PieceBytes)
		r.End = min(r.End, (first+min(k, n-skip))*PieceBytes)
		a.lease(w.id, r)
		return Work{Data: r, Victim: Nobody}, true
	}
	return Work{}, false
}

// single returns how many bytes a session holds that nobody else does.
func (a *Assigner) single(w *worker) int64 {
	n := w.held
	for _, r := range a.doubled.Ranges() {
		for _, m := range overlaps(&w.lease, r) {
			n -= m.Len()
		}
	}
	return n
}

// ends returns in how many seconds a session will have what nobody else fetches
// as well.
func (a *Assigner) ends(w *worker) float64 {
	if w.held == 0 {
		return 0
	}
	part := float64(a.single(w)) / float64(w.held)
	return part * float64(w.outstanding()) / a.rate(w)
}

// slowest returns the session other than w that would end last of those that may
// be helped, and hold a piece that suits; nil if there is none.
func (a *Assigner) slowest(w *worker, may func(w, v *worker) bool, suits func(*worker, rangeset.Range) bool) (victim *worker) {
	end := math.Inf(-1)
	for _, o := range a.order {
		if o == w || o.held == 0 || !may(w, o) {
			continue
		}
		e := a.ends(o)
		if e <= end {
			continue
		}
		if piece := o.last(1, func(p rangeset.Range) bool { return suits(o, p) }); !piece.Empty() {
			victim, end = o, e
		}
	}
	return victim
}
