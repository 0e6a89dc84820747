package peer

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"chunkcp/internal/rangeset"
)

// ledger is the naive model of an assigner: who has what, piece by piece.
type ledger struct {
	size   int64
	done   map[int64]bool
	leased map[workerID]map[int64]bool // nil for a session that is not there
}

func (l *ledger) pieces() int64 { return (l.size + PieceBytes - 1) / PieceBytes }

func (l *ledger) isFree(i int64) bool {
	for _, held := range l.leased {
		if held[i] {
			return false
		}
	}
	return !l.done[i]
}

func (l *ledger) bytes(pieces map[int64]bool) (n int64) {
	for i := range pieces {
		n += pieceRange(i, l.size).Len()
	}
	return n
}

// agrees holds the assigner against the model.
func (l *ledger) agrees(t *rapid.T, a *assigner) {
	var free int64
	for i := range l.pieces() {
		p := pieceRange(i, l.size)
		if l.isFree(i) {
			free += p.Len()
		}
		if got := a.free.Contains(p); got != l.isFree(i) {
			t.Fatalf("piece %d free: %v, want %v", i, got, !got)
		}
		if got := a.done.Contains(p); got != l.done[i] {
			t.Fatalf("piece %d done: %v, want %v", i, got, !got)
		}
		for id, held := range l.leased {
			if got := a.leases[id].Contains(p); got != held[i] {
				t.Fatalf("piece %d leased to %d: %v, want %v", i, id, got, !got)
			}
		}
	}
	if a.free.Len() != free || a.left != l.size-l.bytes(l.done) || a.complete() != (a.left == 0) {
		t.Fatalf("%d free, want %d; %d left of %d", a.free.Len(), free, a.left, l.size)
	}
	if len(a.workers) != len(l.leased) || len(a.leases) != len(l.leased) {
		t.Fatalf("%d workers and %d leases, want %d", len(a.workers), len(a.leases), len(l.leased))
	}
	for id, held := range l.leased {
		if got := a.workers[id].held; got != l.bytes(held) {
			t.Fatalf("session %d holds %d bytes, want %d", id, got, l.bytes(held))
		}
	}
}

// TestNoByteIsLostOrDoubled runs any sequence of calls against the model.
func TestNoByteIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 40*PieceBytes).Draw(t, "size")
		l := &ledger{size: size, done: map[int64]bool{}, leased: map[workerID]map[int64]bool{}}
		a := newAssigner(size, rapid.IntRange(1, 8).Draw(t, "expected"))
		session := rapid.Map(rapid.IntRange(0, 4), func(i int) workerID { return workerID(i) })
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { l.agrees(t, a) },
			"join": func(t *rapid.T) {
				id := session.Draw(t, "id")
				if l.leased[id] == nil {
					a.join(id)
					l.leased[id] = map[int64]bool{}
				}
			},
			"measured": func(t *rapid.T) {
				a.measured(session.Draw(t, "id"), rapid.Float64Range(0, 50e6).Draw(t, "rate"),
					time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms"))*time.Millisecond)
			},
			"next": func(t *rapid.T) { l.next(t, a, session.Draw(t, "id")) },
			"received": func(t *rapid.T) {
				if l.pieces() > 0 {
					l.received(t, a, session.Draw(t, "id"), rapid.Int64Range(0, l.pieces()-1).Draw(t, "piece"))
				}
			},
			"release": func(t *rapid.T) { l.giveBack(t, session.Draw(t, "id"), a.release, false) },
			"leave":   func(t *rapid.T) { l.giveBack(t, session.Draw(t, "id"), a.leave, true) },
			"reclaim": func(t *rapid.T) {
				if id := session.Draw(t, "id"); l.pieces() > 0 && l.leased[id] != nil {
					l.reclaim(t, a, id, rapid.SliceOfNDistinct(rapid.Int64Range(0, l.pieces()-1), 0, 4, rapid.ID).Draw(t, "pieces"))
				}
			},
		})
	})
}

func (l *ledger) next(t *rapid.T, a *assigner, id workerID) {
	idle := l.leased[id] != nil && len(l.leased[id]) == 0 && a.free.Len() > 0
	r, ok := a.next(id)
	if idle && !ok {
		t.Fatal("an idle session got nothing, though something is free")
	}
	if !ok {
		return
	}
	if r.Empty() || r.Start%PieceBytes != 0 || r.End%PieceBytes != 0 && r.End != l.size {
		t.Fatalf("leased %v", r)
	}
	for i := pieceIndex(r.Start); i <= pieceIndex(r.End-1); i++ {
		if !l.isFree(i) {
			t.Fatalf("leased %v, of which piece %d was not free", r, i)
		}
		l.leased[id][i] = true
	}
}

func (l *ledger) received(t *rapid.T, a *assigner, id workerID, i int64) {
	if news := a.received(id, pieceRange(i, l.size)); news == l.done[i] {
		t.Fatalf("piece %d news: %v", i, news)
	}
	l.done[i] = true
	delete(l.leased[id], i)
}

func (l *ledger) giveBack(t *rapid.T, id workerID, call func(workerID) int64, leaves bool) {
	var want int64
	for i := range l.leased[id] {
		if !l.done[i] {
			want += pieceRange(i, l.size).Len()
		}
	}
	if got := call(id); got != want {
		t.Fatalf("%d bytes came back, want %d", got, want)
	}
	if leaves {
		delete(l.leased, id)
	} else {
		clear(l.leased[id])
	}
}

func (l *ledger) reclaim(t *rapid.T, a *assigner, id workerID, pieces []int64) {
	var ranges []rangeset.Range
	can := true
	for _, i := range pieces {
		ranges = append(ranges, pieceRange(i, l.size))
		can = can && l.isFree(i)
	}
	if got := a.reclaim(id, ranges); got != can {
		t.Fatalf("reclaim %v: %v", pieces, got)
	}
	for _, i := range pieces {
		if can {
			l.leased[id][i] = true
		}
	}
}
