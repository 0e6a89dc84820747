package assign

import (
	"slices"
	"sort"
	"time"

	"chunkcp/internal/rangeset"
)

const (
	// leaseTime is how much work a session holds, at its measured rate: enough
	// to hide a round trip and a slow answer, little enough that what a slow
	// session holds at the end costs little. Arbitrary.
	leaseTime = time.Second

	// FirstLease is the least that a session holds while its rate is not known
	// well: in startup it doubles in every round trip. Arbitrary.
	FirstLease = 4 * PieceBytes

	// firstSamples is how many samples of its rate a session needs to be known
	// well: a second of work.
	firstSamples = 10

	// priorSamples is how many samples outweigh a rate that was remembered.
	priorSamples = 2

	// maxGrants is how many ranges may be out to one session: half of the
	// requests that a server takes of one, since what is cancelled
	// counts there until the server has heard of it.
	maxGrants = 128

	// least is the rate of a session that stands still, in bytes per second:
	// what it holds ends late, but not never.
	least = 1
)

// worker is what the assigner knows of a session.
type worker struct {
	id      SessionID
	peer    int     // the sessions of one share a path
	prior   float64 // bytes per second in an earlier run; 0 while not known
	rate    float64 // measured, bytes per second
	samples int     // of rate, from the first that was not zero or came late
	zeros   int     // samples of nothing before the first byte
	rtt     time.Duration

	lease      rangeset.Set
	begun      rangeset.Set     // the part of lease of which bytes have come
	held       int64            // bytes in lease
	begunBytes int64            // in begun
	partial    int64            // bytes that have come of pieces that are not complete
	at         time.Time        // when partial was measured; zero before
	grants     []rangeset.Range // as they were given, and fetched; those that lease still has some of

	asked time.Time // its last turn; zero if it has had none, or was released
	dry   time.Time // since when it has held nothing and been refused
}

// Measured notes a session's rate and round trip, and how many bytes it has of
// pieces that are not complete.
func (a *Assigner) Measured(now time.Time, id SessionID, rateBytesPerSec float64, rtt time.Duration, partial int64) {
	w := a.workers[id]
	if w == nil {
		return
	}
	w.rtt, w.partial, w.at = max(0, rtt), min(max(0, partial), w.held), now
	// Nothing comes in the first round trip, and that tells nothing.
	if rateBytesPerSec <= 0 && w.samples == 0 && w.zeros < firstSamples {
		w.zeros++
		return
	}
	w.rate = rateBytesPerSec
	w.samples++
}

// speed returns the rate to reckon with, in bytes per second, 0 while there is
// nothing to go by.
func (w *worker) speed() float64 {
	switch {
	case w.samples == 0:
		return w.prior
	case w.samples < priorSamples && w.prior > 0:
		return max(least, (w.prior+float64(w.samples)*w.rate)/float64(1+w.samples))
	}
	return max(least, w.rate)
}

// known reports whether a session's rate is measured, and not only remembered.
func (w *worker) known() bool { return w.samples >= priorSamples }

// outstanding returns how many bytes are still to come.
func (w *worker) outstanding() int64 { return max(0, w.held-w.partial) }

// ahead returns how many bytes are still to come now, if they come at its rate
// since it was measured.
func (a *Assigner) ahead(now time.Time, w *worker) float64 {
	since := min(max(0, now.Sub(w.at)), 2*RateInterval)
	if w.at.IsZero() {
		since = 0
	}
	return max(0, float64(w.outstanding())-a.rate(w)*since.Seconds())
}

// low reports whether a session will have nothing to do by the time that an
// answer could come, as far as is known.
func (a *Assigner) low(now time.Time, w *worker) bool {
	return a.ahead(now, w) <= w.speed()*(w.rtt+RateInterval).Seconds()
}

// target returns how many bytes a session should hold.
func (w *worker) target() int64 {
	// Three round trips more: one for what is in flight, one for what is being
	// repeated, one for the request.
	span := leaseTime + 3*w.rtt
	n := max(PieceBytes, int64(w.speed()*span.Seconds()))
	if w.samples < firstSamples && w.prior == 0 {
		n = max(n, FirstLease)
	}
	return n
}

// hold puts r among what a session holds, as its last.
func (w *worker) hold(r rangeset.Range) {
	w.lease.Add(r)
	w.held += r.Len()
	w.grants = append(w.grants, r)
	w.dry = time.Time{}
}

// drop takes r, of what a session holds, from it.
func (w *worker) drop(r rangeset.Range) {
	w.lease.Remove(r)
	w.held -= r.Len()
	for _, m := range overlaps(&w.begun, r) {
		w.begunBytes -= m.Len()
	}
	w.begun.Remove(r)
	w.partial = min(w.partial, w.held)
	w.grants = slices.DeleteFunc(w.grants, func(g rangeset.Range) bool {
		return !g.Intersect(r).Empty() && len(overlaps(&w.lease, g)) == 0
	})
}

func (w *worker) dropAll() {
	w.lease, w.begun, w.grants = rangeset.Set{}, rangeset.Set{}, nil
	w.held, w.begunBytes, w.partial = 0, 0, 0
	w.asked, w.dry = time.Time{}, time.Time{}
}

// last returns the last run of pieces, or what it holds of them, in the order in which
// a session fetches them, that satisfy ok: n pieces at most.
func (w *worker) last(n int64, ok func(rangeset.Range) bool) (run rangeset.Range) {
	for _, g := range slices.Backward(w.grants) {
		for p := lastPiece(g); !p.Empty() && n > 0; p = lastPiece(rangeset.Range{Start: g.Start, End: p.Start}) {
			part := w.part(p)
			switch follows := run.Empty() || part.End == run.Start; {
			case follows && !part.Empty() && ok(part):
				if run.Empty() {
					run.End = part.End
				}
				run.Start = part.Start
				n--
			case !run.Empty():
				return run
			}
		}
		if !run.Empty() {
			return run
		}
	}
	return run
}

// part returns what a session holds of a piece: the last of it, should there be more
// than one part.
func (w *worker) part(piece rangeset.Range) rangeset.Range {
	held := overlaps(&w.lease, piece)
	if len(held) == 0 {
		return rangeset.Range{}
	}
	return held[len(held)-1]
}

// overlaps returns the ranges of s that share bytes with r, cut to r.
func overlaps(s *rangeset.Set, r rangeset.Range) (out []rangeset.Range) {
	all := s.Ranges()
	for i := sort.Search(len(all), func(i int) bool { return all[i].End > r.Start }); i < len(all) && all[i].Start < r.End; i++ {
		out = append(out, all[i].Intersect(r))
	}
	return out
}
