package assign

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chunkcp/internal/rangeset"
)

// ledger is the naive model of an assigner: who has what, piece by piece.
type ledger struct {
	size     int64
	end      int64 // of the window
	now      time.Time
	done     map[int64]bool
	leased   map[SessionID]map[int64]bool // nil for a session that is not there
	begun    map[SessionID]map[int64]bool // of those leased
	news     map[int64]int                // how often each piece came as news
	reopened map[int64]int
	repeated int // pieces given to a second session
	taken    int // pieces taken from one session for another
	relieved int // of these: held by two
	left     int // turns in which pieces were left to whom they are reserved
	lastly   int // turns in which they were not, for want of others
}

func newLedger(size int64) *ledger {
	return &ledger{
		size: size, end: math.MaxInt64, now: time.Unix(1e9, 0), done: map[int64]bool{},
		leased: map[SessionID]map[int64]bool{}, begun: map[SessionID]map[int64]bool{},
		news: map[int64]int{}, reopened: map[int64]int{},
	}
}

func (l *ledger) pieces() int64 { return (l.size + PieceBytes - 1) / PieceBytes }

// holders returns who holds a piece, in order.
func (l *ledger) holders(i int64) (ids []SessionID) {
	for id, held := range l.leased {
		if held[i] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (l *ledger) isFree(i int64) bool { return !l.done[i] && len(l.holders(i)) == 0 }

func (l *ledger) bytes(pieces map[int64]bool) (n int64) {
	for i := range pieces {
		n += PieceRange(i, l.size).Len()
	}
	return n
}

// agrees holds the assigner against the model.
func (l *ledger) agrees(t *rapid.T, a *Assigner) {
	var free int64
	for i := range l.pieces() {
		p := PieceRange(i, l.size)
		if l.isFree(i) {
			free += p.Len()
		}
		if got := a.free.Contains(p); got != l.isFree(i) {
			t.Fatalf("piece %d free: %v, want %v", i, got, !got)
		}
		if got := a.done.Contains(p); got != l.done[i] {
			t.Fatalf("piece %d done: %v, want %v", i, got, !got)
		}
		if got, n := a.doubled.Contains(p), len(l.holders(i)); n > 2 || got != (n == 2) {
			t.Fatalf("piece %d doubled: %v, held by %d", i, got, n)
		}
		for id, held := range l.leased {
			if got := a.workers[id].lease.Contains(p); got != held[i] {
				t.Fatalf("piece %d leased to %d: %v, want %v", i, id, got, !got)
			}
			if got := a.workers[id].begun.Contains(p); got != l.begun[id][i] {
				t.Fatalf("piece %d begun by %d: %v, want %v", i, id, got, !got)
			}
		}
	}
	for _, r := range a.reserved.Ranges() {
		if !a.free.Contains(r) || r.Start%PieceBytes != 0 || r.End%PieceBytes != 0 && r.End != l.size {
			t.Fatalf("%v is reserved, %v is free", r, a.free.Ranges())
		}
	}
	if a.free.Len() != free || a.freeBytes != free || a.left != l.size-l.bytes(l.done) || a.Complete() != (a.left == 0) {
		t.Fatalf("%d free, counted %d, want %d; %d left of %d", a.free.Len(), a.freeBytes, free, a.left, l.size)
	}
	if len(a.workers) != len(l.leased) || len(a.order) != len(l.leased) {
		t.Fatalf("%d workers and %d in order, want %d", len(a.workers), len(a.order), len(l.leased))
	}
	for id, held := range l.leased {
		l.agreesOn(t, a.workers[id], held)
	}
}

func (l *ledger) agreesOn(t *rapid.T, w *worker, held map[int64]bool) {
	if w.held != l.bytes(held) || w.begunBytes != w.begun.Len() {
		t.Fatalf("session %d holds %d bytes, want %d; %d begun, want %d", w.id, w.held, l.bytes(held), w.begunBytes, w.begun.Len())
	}
	if w.partial < 0 || w.partial > w.held {
		t.Fatalf("session %d has %d bytes of the %d that it holds", w.id, w.partial, w.held)
	}
	// Every piece held is in one of the ranges that are out, and none of these is idle.
	var out rangeset.Set
	for _, g := range w.grants {
		out.Add(g)
		if len(overlaps(&w.lease, g)) == 0 {
			t.Fatalf("session %d: nothing of %v is held", w.id, g)
		}
	}
	for _, r := range w.lease.Ranges() {
		if !out.Contains(r) {
			t.Fatalf("session %d holds %v, of which part was never given", w.id, r)
		}
	}
}

// TestNoByteIsLostOrDoubled runs any sequence of calls against the model, and
// then lets one session fetch what is left: every piece came as news once, and
// once more each time that it was opened again.
func TestNoByteIsLostOrDoubled(t *testing.T) {
	repeated, taken, relieved, left, lastly := 0, 0, 0, 0, 0
	check := func(t *rapid.T) {
		l := newLedger(rapid.Int64Range(0, rapid.SampledFrom([]int64{6, 40}).Draw(t, "pieces")*PieceBytes).Draw(t, "size"))
		a := New(l.size, rapid.IntRange(1, 8).Draw(t, "expected"))
		for range rapid.IntRange(0, 3).Draw(t, "had") {
			l.have(a, rapid.Int64Range(0, max(0, l.pieces()-1)).Draw(t, "piece"))
		}
		for range 4 { // more steps, that all of what there is comes to pass
			t.Repeat(l.actions(a))
		}
		l.drain(t, a)
		repeated += l.repeated // of all the runs
		taken += l.taken
		relieved += l.relieved
		left += l.left
		lastly += l.lastly
	}
	for range 5 {
		rapid.Check(t, check)
	}
	t.Logf("%d pieces were repeated, %d taken, of these %d from one of two", repeated, taken, relieved)
	t.Logf("in %d turns what is reserved was left, in %d there was nothing else", left, lastly)
	if (repeated == 0 || taken == relieved || left == 0 || lastly == 0) && !testing.Short() { // a few runs need not try it all
		t.Error("not all was tried")
	}
}

func (l *ledger) actions(a *Assigner) map[string]func(*rapid.T) {
	id := func(t *rapid.T) SessionID { return SessionID(rapid.IntRange(0, 4).Draw(t, "id")) }
	piece := func(t *rapid.T) int64 {
		if l.pieces() == 0 {
			t.Skip("no pieces")
		}
		return rapid.Int64Range(0, l.pieces()-1).Draw(t, "piece")
	}
	next := func(t *rapid.T) { l.next(t, a, id(t)) }
	received := func(t *rapid.T) { l.received(t, a, id(t), piece(t)) }
	measured := func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0, 1e3, 1e6, 2e6, 50e6}).Draw(t, "rate")
		rtt := time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond
		a.Measured(id(t), rate, rtt, rapid.Int64Range(0, 3*PieceBytes).Draw(t, "partial"))
	}
	return map[string]func(*rapid.T){
		"": func(t *rapid.T) { l.agrees(t, a) },
		"join": func(t *rapid.T) {
			if id := id(t); l.leased[id] == nil {
				a.Join(id, int(id), rapid.SampledFrom([]float64{0, 1e6, 1e8}).Draw(t, "prior"))
				l.leased[id], l.begun[id] = map[int64]bool{}, map[int64]bool{}
			}
		},
		"measured": measured, "measured again": measured,
		"next": next, "next again": next, "next once more": next,
		"received": received, "received again": received,
		"begun":   func(t *rapid.T) { l.begin(a, id(t), piece(t)) },
		"finish":  func(t *rapid.T) { l.finish(t, a, id(t)) },
		"release": func(t *rapid.T) { l.giveBack(t, id(t), a.Release, false) },
		"leave":   func(t *rapid.T) { l.giveBack(t, id(t), a.Leave, true) },
		"reclaim": func(t *rapid.T) {
			if id := id(t); l.pieces() > 0 && l.leased[id] != nil {
				l.reclaim(t, a, id, rapid.SliceOfNDistinct(rapid.Int64Range(0, l.pieces()-1), 0, 4, rapid.ID).Draw(t, "pieces"))
			}
		},
		"reserve": func(t *rapid.T) {
			a.Reserve(l.run(t, piece))
		},
		"unreserve": func(t *rapid.T) {
			r := l.run(t, piece)
			if a.Unreserve(r); a.reserved.Overlaps(r) {
				t.Fatalf("%v is reserved after the end of %v", a.reserved.Ranges(), r)
			}
		},
		"claim": func(t *rapid.T) {
			if id := id(t); l.leased[id] != nil {
				l.claim(t, a, id, l.run(t, piece))
			}
		},
		"reopen": func(t *rapid.T) { l.reopen(a, piece(t)) },
		"window": func(t *rapid.T) {
			l.end = rapid.Int64Range(0, l.size).Draw(t, "end")
			a.Window(l.end)
		},
		"wait": func(t *rapid.T) {
			l.now = l.now.Add(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
		},
	}
}

// run draws whole pieces that lie together.
func (l *ledger) run(t *rapid.T, piece func(*rapid.T) int64) rangeset.Range {
	i, j := piece(t), piece(t)
	return rangeset.Range{Start: min(i, j) * PieceBytes, End: PieceRange(max(i, j), l.size).End}
}

func (l *ledger) claim(t *rapid.T, a *Assigner, id SessionID, r rangeset.Range) {
	var got rangeset.Set
	for _, m := range a.Claim(l.now, id, r) {
		got.Add(m)
	}
	left := 0 // free, and not given
	for i := PieceIndex(r.Start); i <= PieceIndex(r.End-1); i++ {
		free, mine := l.isFree(i), got.Contains(PieceRange(i, l.size))
		if mine && (!free || left > 0) || free && !mine && len(got.Ranges()) == 0 {
			t.Fatalf("claimed %v, got %v; piece %d free: %v", r, got.Ranges(), i, free)
		}
		switch {
		case mine:
			l.leased[id][i] = true
		case free:
			left++
		}
	}
}

// spares notes whether a turn may give what was reserved before it: only if nothing
// else is free, or Patience is over.
func (l *ledger) spares(t *rapid.T, a *Assigner, reserved *rangeset.Set, r rangeset.Range) {
	if l.now.Sub(a.began) >= Patience || len(reserved.Ranges()) == 0 {
		return
	}
	if !reserved.Overlaps(r) {
		l.left++
		return
	}
	l.lastly++
	for i := range l.pieces() {
		// What the turn gave is free no more: all of it was reserved, or it fails here.
		if p := PieceRange(i, l.size); p.Start < l.end && (l.isFree(i) || p.Intersect(r) == p) && !reserved.Contains(p) {
			t.Fatalf("%v was given, of which some is reserved; piece %d is free, and not", r, i)
		}
	}
}

func (l *ledger) have(a *Assigner, i int64) {
	a.Have(PieceRange(i, l.size))
	if l.pieces() > 0 {
		l.done[i] = true
		l.news[i] = 1
	}
}

func (l *ledger) begin(a *Assigner, id SessionID, i int64) {
	a.Begun(id, PieceRange(i, l.size))
	if l.leased[id][i] {
		l.begun[id][i] = true
	}
}

func (l *ledger) reopen(a *Assigner, i int64) {
	a.Reopen(PieceRange(i, l.size))
	if l.done[i] {
		delete(l.done, i)
		l.reopened[i]++
	}
}

func (l *ledger) next(t *rapid.T, a *Assigner, id SessionID) {
	var reserved rangeset.Set
	for _, r := range a.reserved.Ranges() {
		reserved.Add(r)
	}
	got, ok := a.Next(l.now, id)
	if !ok {
		return
	}
	r := got.Data
	if got.Victim == Nobody {
		l.spares(t, a, &reserved, r)
	}
	if r.Empty() || r.Start%PieceBytes != 0 || r.End%PieceBytes != 0 && r.End != l.size {
		t.Fatalf("leased %v", r)
	}
	for i := PieceIndex(r.Start); i <= PieceIndex(r.End-1); i++ {
		l.given(t, id, i, got)
		l.leased[id][i] = true
	}
}

// finish has a session receive all that it holds, begin what the others hold
// first, and ask for more: as a fast one does, at the end of a file.
func (l *ledger) finish(t *rapid.T, a *Assigner, id SessionID) {
	for i := range l.pieces() {
		if l.leased[id][i] {
			l.received(t, a, id, i)
		}
	}
	for other := range l.leased {
		for i := range l.pieces() {
			if l.leased[other][i] {
				l.begin(a, other, i)
				break
			}
		}
	}
	a.Measured(id, 50e6, time.Millisecond, 0)
	l.next(t, a, id)
}

// given holds one piece of an assignment against who has it now.
func (l *ledger) given(t *rapid.T, id SessionID, i int64, got Work) {
	holders := l.holders(i)
	switch {
	case got.Victim == Nobody:
		if !l.isFree(i) || i*PieceBytes >= l.end {
			t.Fatalf("%+v: piece %d is not free or beyond %d", got, i, l.end)
		}
	case slices.Contains(holders, id) || !slices.Contains(holders, got.Victim) || got.Shared && len(holders) > 1:
		t.Fatalf("%+v for session %d: piece %d is held by %v", got, id, i, holders)
	case got.Shared:
		l.repeated++
	case len(holders) == 1 && l.begun[got.Victim][i]:
		t.Fatalf("%+v: piece %d was begun", got, i)
	default:
		delete(l.leased[got.Victim], i)
		delete(l.begun[got.Victim], i)
		l.taken++
		if len(holders) == 2 {
			l.relieved++
		}
	}
}

func (l *ledger) received(t *rapid.T, a *Assigner, id SessionID, i int64) {
	news, losers := a.Received(id, PieceRange(i, l.size))
	want := slices.DeleteFunc(l.holders(i), func(o SessionID) bool { return o == id })
	if news == l.done[i] || !slices.Equal(losers, want) {
		t.Fatalf("piece %d from %d: news %v, losers %v, want %v", i, id, news, losers, want)
	}
	l.done[i] = true
	if news {
		l.news[i]++
	}
	for id := range l.leased {
		delete(l.leased[id], i)
		delete(l.begun[id], i)
	}
}

func (l *ledger) giveBack(t *rapid.T, id SessionID, call func(SessionID) int64, leaves bool) {
	var want int64
	for i := range l.leased[id] {
		if len(l.holders(i)) == 1 {
			want += PieceRange(i, l.size).Len()
		}
	}
	if got := call(id); got != want {
		t.Fatalf("%d bytes came back, want %d", got, want)
	}
	clear(l.leased[id])
	clear(l.begun[id])
	if leaves {
		delete(l.leased, id)
		delete(l.begun, id)
	}
}

func (l *ledger) reclaim(t *rapid.T, a *Assigner, id SessionID, pieces []int64) {
	var ranges []rangeset.Range
	can := true
	for _, i := range pieces {
		ranges = append(ranges, PieceRange(i, l.size))
		can = can && l.isFree(i)
	}
	if got := a.Reclaim(id, ranges); got != can {
		t.Fatalf("reclaim %v: %v", pieces, got)
	}
	for _, i := range pieces {
		if can {
			l.leased[id][i] = true
		}
	}
}

// drain has a session that nobody disturbs fetch what is left, however little it
// can be expected to do.
func (l *ledger) drain(t *rapid.T, a *Assigner) {
	for id := range l.leased {
		l.giveBack(t, id, a.Leave, true)
	}
	const last SessionID = 99
	a.Join(last, int(last), 0)
	l.leased[last], l.begun[last] = map[int64]bool{}, map[int64]bool{}
	l.end = l.size
	a.Window(l.end)
	for !a.Complete() {
		l.next(t, a, last)
		if len(l.leased[last]) == 0 {
			t.Fatalf("%d bytes are left, and the only session gets none of them", a.left)
		}
		for i := range l.pieces() {
			if l.leased[last][i] {
				l.received(t, a, last, i)
			}
		}
	}
	l.agrees(t, a)
	for i := range l.pieces() {
		if l.news[i] != 1+l.reopened[i] {
			t.Fatalf("piece %d came %d times, and was opened again %d times", i, l.news[i], l.reopened[i])
		}
	}
}
