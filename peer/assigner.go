package peer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"chunkcp/internal/rangeset"
)

// PieceBytes is the unit in which a file is leased, kept in memory and written.
const PieceBytes = 1 << 20

// workerID names a session to the assigner.
type workerID int

// nobody is no session.
const nobody workerID = -1

// assignment is what a session is to fetch next.
type assignment struct {
	data   rangeset.Range // whole pieces, of which none has to be asked for by anyone else
	victim workerID       // who held or holds them as well; nobody for what was free
	shared bool           // the victim goes on too, and the first copy wins; if not, it must be told to stop
}

// assigner decides which session fetches which pieces. It is sans-IO: the rates
// and the clock are its callers', and the same calls have the same answers.
//
// A piece is free, or received, or held by one session, or by two once it is
// hedged. A session is given work by seconds, never by counts, and who gets a
// piece is decided by who would finish it first (assignturn.go). When nothing is
// free, a session that runs dry takes over what another one has not begun
// (steal.go), or repeats what would come last (hedge.go). No piece is held by
// more than two. What sessions have asked for that are to join is left to them
// (assignearly.go). Where the file is wanted in order, only what lies in a window
// is leased (assignwindow.go).
//
// A session that is refused may get work later without having received
// anything: it must ask again, about as often as it would tell its rate.
type assigner struct {
	size int64
	left int64 // bytes not received
	done rangeset.Set

	free      rangeset.Set // not received and held by nobody
	freeBytes int64        // in free
	reserved  rangeset.Set // the part of free that sessions which are to join have asked for (assignearly.go)
	doubled   rangeset.Set // held by two sessions
	hedged    int64        // bytes given to a second holder, ever

	workers map[workerID]*worker
	order   []*worker // the same, by id: what is decided must not hang on a map

	// expected is how many sessions will join: the first to come must not take
	// what all could share. They are waited for from began, the first turn.
	expected int
	began    time.Time

	// typical is what a session whose rate is not known counts for in the turn
	// under way; absent is how many are still waited for.
	typical float64
	absent  int

	windowed bool
	end      int64 // free pieces from here on are not leased
}

// newAssigner returns an assigner for a file of size bytes.
func newAssigner(size int64, expected int) *assigner {
	a := &assigner{size: size, left: size, freeBytes: size, expected: expected, workers: map[workerID]*worker{}, end: math.MaxInt64}
	a.free.Add(rangeset.Range{End: size})
	return a
}

// join makes a session known, and to which peer it is. priorRate is what it did in an
// earlier run, in bytes per second, or 0.
func (a *assigner) join(id workerID, peer int, priorRate float64) {
	a.leave(id)
	w := &worker{id: id, peer: peer, prior: max(0, priorRate)}
	a.workers[id] = w
	i, _ := slices.BinarySearchFunc(a.order, id, func(o *worker, id workerID) int { return cmp.Compare(o.id, id) })
	a.order = slices.Insert(a.order, i, w)
}

// leave forgets a session and takes back what it holds, as release does.
func (a *assigner) leave(id workerID) int64 {
	n := a.release(id)
	delete(a.workers, id)
	a.order = slices.DeleteFunc(a.order, func(w *worker) bool { return w.id == id })
	return n
}

// have notes that the bytes of r, whole pieces, are there from an earlier run.
// It is for before the first turn.
func (a *assigner) have(r rangeset.Range) {
	for _, m := range overlaps(&a.free, r) {
		a.setFree(m, false)
		a.done.Add(m)
		a.left -= m.Len()
	}
}

// wants reports whether a piece that may be leased has not been received.
func (a *assigner) wants() bool {
	r := rangeset.Range{End: min(a.end, a.size)}
	return !r.Empty() && !a.done.Contains(r)
}

// reopen makes a received piece free again: its bytes were not the file's.
func (a *assigner) reopen(piece rangeset.Range) {
	if piece.Empty() || !a.done.Contains(piece) {
		return
	}
	a.done.Remove(piece)
	a.left += piece.Len()
	a.setFree(piece, true)
}

// begun notes that the first byte of a piece that a session holds has come: it
// is not taken over any more.
func (a *assigner) begun(id workerID, piece rangeset.Range) {
	w := a.workers[id]
	if w == nil || piece.Empty() || !w.lease.Contains(piece) || w.begun.Contains(piece) {
		return
	}
	w.begun.Add(piece)
	w.begunBytes += piece.Len()
}

// received notes that a session has the piece. It reports whether that is news:
// another session may have been first. Losers are the others that hold it still
// and must be told to stop; their lease of it has ended.
func (a *assigner) received(id workerID, piece rangeset.Range) (news bool, losers []workerID) {
	if piece.Empty() || a.done.Contains(piece) {
		return false, nil
	}
	// Who had it first need not be who holds it: it may have been taken over, or
	// given back, while the last bytes were on their way.
	mine := a.workers[id]
	alone := mine != nil && mine.lease.Contains(piece) && !a.doubled.Contains(piece)
	if alone {
		mine.drop(piece)
	} else {
		for _, w := range a.order {
			if !w.lease.Contains(piece) {
				continue
			}
			w.drop(piece)
			if w.id != id {
				losers = append(losers, w.id)
			}
		}
		a.doubled.Remove(piece)
		a.setFree(piece, false)
	}
	if mine != nil {
		mine.partial = max(0, mine.partial-piece.Len())
	}
	a.done.Add(piece)
	a.left -= piece.Len()
	return true, losers
}

// release takes back what a session holds, for others to fetch; what another
// one holds as well stays with that one. It returns how many bytes are free by
// it. The session counts for nothing until it asks again.
func (a *assigner) release(id workerID) int64 {
	w := a.workers[id]
	if w == nil {
		return 0
	}
	before := a.freeBytes
	for _, r := range w.lease.Ranges() {
		for _, single := range a.doubled.Missing(r) {
			a.setFree(single, true)
		}
		a.doubled.Remove(r) // the other one has it alone now
	}
	w.dropAll()
	return a.freeBytes - before
}

// reclaim leases ranges to a session once more, all of them or, if another
// session has taken one meanwhile, none.
func (a *assigner) reclaim(id workerID, ranges []rangeset.Range) bool {
	if a.workers[id] == nil {
		return false
	}
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

// lease gives a session what is free.
func (a *assigner) lease(id workerID, r rangeset.Range) {
	a.setFree(r, false)
	a.workers[id].hold(r)
}

// setFree moves r into what is free, or out of it.
func (a *assigner) setFree(r rangeset.Range, free bool) {
	switch {
	case free:
		a.free.Add(r)
		a.freeBytes += r.Len()
	case a.free.Contains(r):
		a.free.Remove(r)
		a.reserved.Remove(r)
		a.freeBytes -= r.Len()
	}
}

// complete reports whether every byte has been received.
func (a *assigner) complete() bool { return a.left == 0 }
