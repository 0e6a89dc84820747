package assign

import (
	"cmp"
	"math"
	"slices"
	"time"

	"chunkcp/internal/rangeset"
)

// SessionID names a session to the assigner.
type SessionID int

// Nobody is no session.
const Nobody SessionID = -1

// Work is what a session is to fetch next.
type Work struct {
	Data   rangeset.Range // whole pieces, or parts of some that are shared
	Victim SessionID      // who held or holds them as well; Nobody for what was free
	Shared bool           // the victim goes on too, and the first copy wins; if not, it must be told to stop
}

// Assigner decides which session fetches which pieces. It is sans-IO: the rates
// and the clock are its callers', and the same calls have the same answers.
//
// A piece is free, or received, or held by one session, or by two once it is
// hedged. A session is given work by seconds, never by counts, and who gets a
// piece is decided by who would finish it first (turn.go). When nothing is
// free, a session that runs dry takes over what another one has not begun
// (steal.go), or the end of a piece that it has (share.go), or repeats what would
// come last (hedge.go). No byte is held by more than two. The parts of a piece that
// is shared are received, taken over and repeated as pieces are; what has come of a piece
// whose session ends is a part too. What sessions have asked for that are to join is left
// to them (early.go). Where the file is wanted in order, only what lies in a window
// is leased (window.go).
//
// A session that is refused may get work later without having received
// anything: it must ask again, about as often as it would tell its rate.
type Assigner struct {
	size int64
	left int64 // bytes not received
	done rangeset.Set

	free      rangeset.Set // not received and held by nobody
	freeBytes int64        // in free
	reserved  rangeset.Set // the part of free that sessions which are to join have asked for (early.go)
	doubled   rangeset.Set // held by two sessions
	hedged    int64        // bytes given to a second holder, ever
	divided   rangeset.Set // pieces that are shared, while they are not complete (share.go)
	reopened  rangeset.Set // pieces that were wrong once: they are not shared

	workers map[SessionID]*worker
	order   []*worker // the same, by id: what is decided must not hang on a map

	// expected is with how many peers sessions will join: the first to come must not take
	// what all could share. Those of one peer share a path, and are not faster together.
	// They are waited for from began, the first turn.
	expected int
	began    time.Time

	// typical is what a session whose rate is not known counts for in the turn
	// under way; absent is how many peers are still waited for.
	typical float64
	absent  int

	windowed bool
	end      int64 // free pieces from here on are not leased
}

// New returns an Assigner for a file of size bytes, from so many peers.
func New(size int64, peers int) *Assigner {
	a := &Assigner{size: size, left: size, freeBytes: size, expected: peers, workers: map[SessionID]*worker{}, end: math.MaxInt64}
	a.free.Add(rangeset.Range{End: size})
	return a
}

// Join makes a session known, and to which peer it is. priorRate is what it did in an
// earlier run, in bytes per second, or 0.
func (a *Assigner) Join(id SessionID, peer int, priorRate float64) {
	a.Leave(id)
	w := &worker{id: id, peer: peer, prior: max(0, priorRate)}
	a.workers[id] = w
	i, _ := slices.BinarySearchFunc(a.order, id, func(o *worker, id SessionID) int { return cmp.Compare(o.id, id) })
	a.order = slices.Insert(a.order, i, w)
}

// Leave forgets a session and takes back what it holds, as Release does.
func (a *Assigner) Leave(id SessionID) int64 {
	n := a.Release(id)
	delete(a.workers, id)
	a.order = slices.DeleteFunc(a.order, func(w *worker) bool { return w.id == id })
	return n
}

// Have notes that the bytes of r, whole pieces, are there from an earlier run.
// It is for before the first turn.
func (a *Assigner) Have(r rangeset.Range) {
	for _, m := range overlaps(&a.free, r) {
		a.setFree(m, false)
		a.done.Add(m)
		a.left -= m.Len()
	}
}

// Wants reports whether a piece that may be leased has not been received.
func (a *Assigner) Wants() bool {
	r := rangeset.Range{End: min(a.end, a.size)}
	return !r.Empty() && !a.done.Contains(r)
}

// Reopen makes a received piece free again: its bytes were not the file's.
func (a *Assigner) Reopen(piece rangeset.Range) {
	if piece.Empty() || !a.done.Contains(piece) {
		return
	}
	a.done.Remove(piece)
	a.left += piece.Len()
	a.setFree(piece, true)
	a.reopened.Add(piece)
}

// Begun notes that the first byte of a piece, or of a part, that a session holds has
// come: it is not taken over any more.
func (a *Assigner) Begun(id SessionID, piece rangeset.Range) {
	w := a.workers[id]
	if w == nil {
		return
	}
	for _, m := range overlaps(&w.lease, piece) {
		for _, m := range w.begun.Missing(m) {
			w.begun.Add(m)
			w.begunBytes += m.Len()
		}
	}
}

// Received notes that a session has the piece, or the part of one that it was to
// fetch. It reports whether any of it is news: other sessions may have been first.
// Losers are the others that hold some of it still and must be told to stop; their
// lease of that has ended.
func (a *Assigner) Received(id SessionID, piece rangeset.Range) (news bool, losers []SessionID) {
	missing := a.done.Missing(piece)
	if len(missing) == 0 || a.reopened.Overlaps(piece) && piece != a.pieceOf(piece) {
		return false, nil // of what was wrong once no part counts: it may be a late one of then
	}
	// Who had it first need not be who holds it: it may have been taken over, or
	// given back, while the last bytes were on their way.
	mine := a.workers[id]
	alone := mine != nil && mine.lease.Contains(piece) && !a.doubled.Overlaps(piece)
	if alone {
		mine.drop(piece)
	} else {
		for _, w := range a.order {
			held := overlaps(&w.lease, piece)
			for _, m := range held {
				w.drop(m)
			}
			if len(held) > 0 && w.id != id {
				losers = append(losers, w.id)
			}
		}
		a.doubled.Remove(piece)
		for _, m := range overlaps(&a.free, piece) {
			a.setFree(m, false)
		}
	}
	if mine != nil {
		mine.partial = max(0, mine.partial-piece.Len())
	}
	for _, m := range missing {
		a.done.Add(m)
		a.left -= m.Len()
	}
	a.undivide(piece)
	return true, losers
}

// Release takes back what a session holds, for others to fetch; what another
// one holds as well stays with that one. It returns how many bytes are free by
// it. The session counts for nothing until it asks again.
func (a *Assigner) Release(id SessionID) int64 {
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

// Reclaim leases ranges to a session once more, all of them or, if another
// session has taken one meanwhile, none.
func (a *Assigner) Reclaim(id SessionID, ranges []rangeset.Range) bool {
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
func (a *Assigner) lease(id SessionID, r rangeset.Range) {
	a.setFree(r, false)
	a.workers[id].hold(r)
}

// setFree moves r into what is free, or out of it.
func (a *Assigner) setFree(r rangeset.Range, free bool) {
	switch {
	case free:
		a.free.Add(r)
		a.freeBytes += r.Len()
	case a.free.Contains(r):
		a.free.Remove(r)
		// Of a piece of which a part is gone, nothing is left to who was to have it whole.
		a.reserved.Remove(rangeset.Range{
			Start: r.Start / PieceBytes * PieceBytes, End: (r.End + PieceBytes - 1) / PieceBytes * PieceBytes,
		})
		a.freeBytes -= r.Len()
	}
}
