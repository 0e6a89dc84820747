package peer

import (
	"time"

	"chunkcp/internal/rangeset"
)

// PieceBytes is the unit in which a file is leased, kept in memory and written.
const PieceBytes = 1 << 20

const (
	// leaseTime is how much work a session holds, at its measured rate: enough
	// to hide a round trip and a slow answer, little enough that what a slow
	// session holds at the end costs little. Arbitrary.
	leaseTime = time.Second

	// firstLease is the least that a session holds while its rate is not known
	// well: in startup it doubles in every round trip. Arbitrary.
	firstLease = 4 * PieceBytes

	// firstSamples is how many samples of its rate a session needs to be known
	// well: a second of work.
	firstSamples = 10
)

// workerID names a session to the assigner.
type workerID int

// worker is what the assigner knows of a session.
type worker struct {
	rateBytesPerSec float64 // measured; 0 while not known
	samples         int
	rtt             time.Duration
	held            int64 // bytes leased and not yet received
}

// assigner decides which session fetches which range. It is sans-IO: the rates
// and the clock are its callers'.
//
// A session is given work by seconds, never by counts: a fast one holds more.
// Toward the end it is given no more than its share of what is left, so that
// all end together.
type assigner struct {
	free    rangeset.Set // not leased, not received; piece by piece
	left    int64        // bytes not received
	done    rangeset.Set
	workers map[workerID]*worker
	leases  map[workerID]*rangeset.Set // held by each, in pieces

	// expected is how many sessions will join: the first to come must not take
	// what all could share.
	expected int
}

// newAssigner returns an assigner for a file of size bytes.
func newAssigner(size int64, expected int) *assigner {
	a := &assigner{left: size, expected: expected, workers: map[workerID]*worker{}, leases: map[workerID]*rangeset.Set{}}
	a.free.Add(rangeset.Range{End: size})
	return a
}

// join makes a session known.
func (a *assigner) join(id workerID) {
	a.workers[id] = &worker{}
	a.leases[id] = &rangeset.Set{}
}

// measured notes a session's rate and round trip.
func (a *assigner) measured(id workerID, rateBytesPerSec float64, rtt time.Duration) {
	if w := a.workers[id]; w != nil {
		w.rateBytesPerSec, w.rtt = rateBytesPerSec, rtt
		w.samples++
	}
}

// next leases a session its next range, false if it holds enough or nothing is free.
func (a *assigner) next(id workerID) (rangeset.Range, bool) {
	w := a.workers[id]
	if w == nil || len(a.free.Ranges()) == 0 {
		return rangeset.Range{}, false
	}
	// Three round trips more: one for what is in flight, one for what is being
	// repeated, one for the request.
	span := leaseTime + 3*w.rtt
	target := max(PieceBytes, int64(w.rateBytesPerSec*span.Seconds()))
	if w.samples < firstSamples {
		target = max(target, firstLease)
	}
	want := min(target-w.held, a.share(w)-w.held)
	if w.held == 0 {
		want = max(want, PieceBytes)
	}
	if want < PieceBytes {
		return rangeset.Range{}, false
	}
	r := a.free.Ranges()[0]
	r.End = min(r.End, r.Start/PieceBytes*PieceBytes+want/PieceBytes*PieceBytes)
	a.lease(id, r)
	return r, true
}

// share returns how much of what is left a session would get if all that is
// left were dealt by rate, so that all end together.
func (a *assigner) share(w *worker) int64 {
	var sum float64
	unknown := 0
	for _, o := range a.workers {
		sum += o.rateBytesPerSec
		if o.rateBytesPerSec == 0 {
			unknown++
		}
	}
	if unknown > 0 { // deal evenly while any rate is not known
		return a.left / int64(max(a.expected, len(a.workers)))
	}
	return int64(float64(a.left) * w.rateBytesPerSec / sum)
}

func (a *assigner) lease(id workerID, r rangeset.Range) {
	a.free.Remove(r)
	a.leases[id].Add(r)
	a.workers[id].held += r.Len()
}

// received notes that a session has the piece r. It reports whether that is
// news: another session may have been first.
func (a *assigner) received(id workerID, r rangeset.Range) bool {
	if l := a.leases[id]; l != nil && l.Contains(r) {
		l.Remove(r)
		a.workers[id].held -= r.Len()
	}
	if a.done.Contains(r) {
		return false
	}
	a.done.Add(r)
	a.free.Remove(r)
	a.left -= r.Len()
	return true
}

// release takes back what a session holds, for others to fetch. It returns how
// many bytes that are.
func (a *assigner) release(id workerID) int64 {
	l := a.leases[id]
	if l == nil {
		return 0
	}
	var n int64
	for _, r := range l.Ranges() {
		for _, m := range a.done.Missing(r) {
			a.free.Add(m)
			n += m.Len()
		}
	}
	*l = rangeset.Set{}
	a.workers[id].held = 0
	return n
}

// reclaim leases ranges to a session once more, all of them or, if another
// session has taken one meanwhile, none.
func (a *assigner) reclaim(id workerID, ranges []rangeset.Range) bool {
	for _, r := range ranges {
		if !a.free.Contains(r) {
			return false
		}
	}
	for _, r := range ranges {
		a.lease(id, r)
	}
	return true
}

// leave forgets a session and takes back what it holds.
func (a *assigner) leave(id workerID) int64 {
	n := a.release(id)
	delete(a.workers, id)
	delete(a.leases, id)
	return n
}

// complete reports whether every byte has been received.
func (a *assigner) complete() bool { return a.left == 0 }
