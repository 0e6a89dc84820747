package assign

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chunkcp/internal/rangeset"
)

// ledger is the naive model of an assigner: who has what, unit by unit of shareBytes,
// of which pieces and their parts are made.
type ledger struct {
	size     int64
	end      int64 // of the window
	now      time.Time
	done     map[int64]bool
	leased   map[SessionID]map[int64]bool // nil for a session that is not there
	begun    map[SessionID]map[int64]bool // of those leased
	news     map[int64]int                // how often each unit came as news
	reopened map[int64]int
	repeated int // times that a session was given what another one holds
	taken    int // times that what one has not begun was taken for another
	relieved int // times that one of two holders was relieved
	divided  int // times that a session was given the end of what another one has begun
	salvaged int // times that what had come of a piece was kept
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

// all returns the units of the file.
func (l *ledger) all() []int64 { return l.units(rangeset.Range{End: l.size}) }

// units returns the units that r is made of.
func (l *ledger) units(r rangeset.Range) (out []int64) {
	for u := r.Start / shareBytes; u*shareBytes < r.End; u++ {
		out = append(out, u)
	}
	return out
}

// unit returns where a unit lies.
func (l *ledger) unit(u int64) rangeset.Range {
	return rangeset.Range{Start: u * shareBytes, End: min(l.size, (u+1)*shareBytes)}
}

// piece returns where the piece of a unit lies.
func (l *ledger) piece(u int64) rangeset.Range { return PieceRange(PieceIndex(u*shareBytes), l.size) }

// holders returns who holds a unit, in order.
func (l *ledger) holders(u int64) (ids []SessionID) {
	for id, held := range l.leased {
		if held[u] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (l *ledger) isFree(u int64) bool { return !l.done[u] && len(l.holders(u)) == 0 }

// areFree reports whether all units of r are free.
func (l *ledger) areFree(r rangeset.Range) bool {
	return !slices.ContainsFunc(l.units(r), func(u int64) bool { return !l.isFree(u) })
}

func (l *ledger) bytes(units map[int64]bool) (n int64) {
	for u := range units {
		n += l.unit(u).Len()
	}
	return n
}

// agrees holds the assigner against the model.
func (l *ledger) agrees(t *rapid.T, a *Assigner) {
	var free int64
	for _, u := range l.all() {
		p := l.unit(u)
		holders := l.holders(u)
		isFree := !l.done[u] && len(holders) == 0
		if isFree {
			free += p.Len()
		}
		if got := a.free.Contains(p); got != isFree {
			t.Fatalf("unit %d free: %v, want %v", u, got, !got)
		}
		if got := a.done.Contains(p); got != l.done[u] {
			t.Fatalf("unit %d done: %v, want %v", u, got, !got)
		}
		if got, n := a.doubled.Contains(p), len(holders); n > 2 || got != (n == 2) {
			t.Fatalf("unit %d doubled: %v, held by %d", u, got, n)
		}
		for id, held := range l.leased {
			if got := a.workers[id].lease.Contains(p); got != held[u] {
				t.Fatalf("unit %d leased to %d: %v, want %v", u, id, got, !got)
			}
			if got := a.workers[id].begun.Contains(p); got != l.begun[id][u] {
				t.Fatalf("unit %d begun by %d: %v, want %v", u, id, got, !got)
			}
		}
	}
	for _, r := range a.reserved.Ranges() {
		if !a.free.Contains(r) {
			t.Fatalf("%v is reserved, %v is free", r, a.free.Ranges())
		}
	}
	for _, r := range a.divided.Ranges() {
		if r.Start%PieceBytes != 0 || r.End%PieceBytes != 0 && r.End != l.size {
			t.Fatalf("%v is divided", r)
		}
	}
	if n := a.divided.Len(); n > maxDivided*PieceBytes {
		t.Fatalf("%d bytes are of divided pieces", n)
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
	repeated, taken, relieved, divided, salvaged, left, lastly := 0, 0, 0, 0, 0, 0, 0
	check := func(t *rapid.T) {
		l := newLedger(rapid.Int64Range(0, rapid.SampledFrom([]int64{4, 16}).Draw(t, "pieces")*PieceBytes).Draw(t, "size"))
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
		divided += l.divided
		salvaged += l.salvaged
		left += l.left
		lastly += l.lastly
	}
	for range 25 {
		rapid.Check(t, check)
	}
	t.Logf("of what others held %d times some was repeated, %d taken, %d taken from one of two, %d divided; %d times a beginning was kept", repeated, taken, relieved, divided, salvaged)
	t.Logf("in %d turns what is reserved was left, in %d there was nothing else", left, lastly)
	if (repeated == 0 || taken == 0 || relieved == 0 || divided == 0 || salvaged == 0 || left == 0 || lastly == 0) && !testing.Short() { // a few runs need not try it all
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
	received := func(t *rapid.T) { l.received(t, a, id(t), l.part(t, piece(t))) }
	measured := func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0, 1e3, 1e6, 2e6, 50e6}).Draw(t, "rate")
		rtt := time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond
		a.Measured(l.now, id(t), rate, rtt, rapid.Int64Range(0, 3*PieceBytes).Draw(t, "partial"))
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
		"begun":  func(t *rapid.T) { l.begin(a, id(t), l.part(t, piece(t))) },
		"finish": func(t *rapid.T) { l.finish(t, a, id(t)) },
		"salvage": func(t *rapid.T) {
			id, r := id(t), l.part(t, piece(t))
			for _, held := range a.Lease(id) { // a beginning of what it holds, if it holds anything
				r = rangeset.Range{Start: held.Start, End: min(held.End, l.piece(held.Start/shareBytes).End)}
				r.End = min(r.End, r.Start+shareBytes*rapid.Int64Range(1, PieceBytes/shareBytes).Draw(t, "units"))
				break
			}
			l.salvage(t, a, id, r)
		},
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

// part draws a part of a piece, or all of it.
func (l *ledger) part(t *rapid.T, i int64) rangeset.Range {
	r := PieceRange(i, l.size)
	if n := int64(len(l.units(r))); n > 1 && rapid.IntRange(0, 2).Draw(t, "parts") == 0 {
		cut := r.Start + shareBytes*rapid.Int64Range(1, n-1).Draw(t, "cut")
		if rapid.Bool().Draw(t, "first") {
			r.End = cut
		} else {
			r.Start = cut
		}
	}
	return r
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
	for _, u := range l.units(r) {
		free, mine := l.areFree(l.piece(u)) || got.Contains(l.piece(u)) && l.isFree(u), got.Contains(l.unit(u))
		if mine && (!free || left > 0) || free && !mine && len(got.Ranges()) == 0 {
			t.Fatalf("claimed %v, got %v; unit %d free: %v", r, got.Ranges(), u, free)
		}
		switch {
		case mine:
			l.leased[id][u] = true
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
	for _, u := range l.all() {
		// What the turn gave is free no more: all of it was reserved, or it fails here.
		if p := l.unit(u); l.piece(u).Start < l.end && (l.isFree(u) || p.Intersect(r) == p) && !reserved.Contains(p) {
			t.Fatalf("%v was given, of which some is reserved; unit %d is free, and not", r, u)
		}
	}
}

func (l *ledger) have(a *Assigner, i int64) {
	a.Have(PieceRange(i, l.size))
	for _, u := range l.units(PieceRange(i, l.size)) {
		l.done[u] = true
		l.news[u] = 1
	}
}

func (l *ledger) begin(a *Assigner, id SessionID, r rangeset.Range) {
	a.Begun(id, r)
	for _, u := range l.units(r) {
		if l.leased[id][u] {
			l.begun[id][u] = true
		}
	}
}

func (l *ledger) reopen(a *Assigner, i int64) {
	r := PieceRange(i, l.size)
	a.Reopen(r)
	if slices.ContainsFunc(l.units(r), func(u int64) bool { return !l.done[u] }) {
		return
	}
	for _, u := range l.units(r) {
		delete(l.done, u)
		l.reopened[u]++
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
	if r.Empty() || r.Start%shareBytes != 0 || r.End%shareBytes != 0 && r.End != l.size {
		t.Fatalf("leased %v", r)
	}
	l.count(t, got)
	for _, u := range l.units(r) {
		l.given(t, id, u, got)
		l.leased[id][u] = true
	}
}

// count notes how the work came about.
func (l *ledger) count(t *rapid.T, got Work) {
	r := got.Data
	first := r.Start / shareBytes
	switch {
	case got.Victim == Nobody:
	case got.Shared:
		l.repeated++
	case len(l.holders(first)) == 2:
		l.relieved++
	case slices.ContainsFunc(l.units(r), func(u int64) bool { return l.begun[got.Victim][u] }):
		// The victim keeps what is before it.
		if l.piece(first) != l.piece((r.End-1)/shareBytes) || first == 0 || !l.leased[got.Victim][first-1] || l.piece(first-1) != l.piece(first) {
			t.Fatalf("%+v: it was begun", got)
		}
		l.divided++
	default:
		l.taken++
	}
}

// finish has a session receive all that it holds, begin what the others hold
// first, and ask for more: as a fast one does, at the end of a file.
func (l *ledger) finish(t *rapid.T, a *Assigner, id SessionID) {
	l.receiveAll(t, a, id)
	for other := range l.leased {
		for i := range l.pieces() {
			if slices.ContainsFunc(l.units(PieceRange(i, l.size)), func(u int64) bool { return l.leased[other][u] }) {
				l.begin(a, other, PieceRange(i, l.size))
				break
			}
		}
	}
	a.Measured(l.now, id, 50e6, time.Millisecond, 0)
	l.next(t, a, id)
}

// given holds one unit of an assignment against who has it now.
func (l *ledger) given(t *rapid.T, id SessionID, u int64, got Work) {
	holders := l.holders(u)
	switch {
	case got.Victim == Nobody:
		if !l.isFree(u) || l.piece(u).Start >= l.end {
			t.Fatalf("%+v: unit %d is not free or beyond %d", got, u, l.end)
		}
	case slices.Contains(holders, id) || !slices.Contains(holders, got.Victim) || got.Shared && len(holders) > 1:
		t.Fatalf("%+v for session %d: unit %d is held by %v", got, id, u, holders)
	case !got.Shared:
		delete(l.leased[got.Victim], u)
		delete(l.begun[got.Victim], u)
	}
}

// received has a session receive r, of one piece, which it need not hold.
func (l *ledger) received(t *rapid.T, a *Assigner, id SessionID, r rangeset.Range) {
	wantNews := false
	var want []SessionID
	for _, u := range l.units(r) {
		wantNews = wantNews || !l.done[u]
		want = append(want, l.holders(u)...)
	}
	slices.Sort(want)
	want = slices.DeleteFunc(slices.Compact(want), func(o SessionID) bool { return o == id })
	if r != l.piece(r.Start/shareBytes) && slices.ContainsFunc(l.units(r), func(u int64) bool { return l.reopened[u] > 0 }) {
		wantNews, want = false, nil // of what was wrong once no part counts
	}
	news, losers := a.Received(id, r)
	if news != wantNews || !slices.Equal(losers, want) {
		t.Fatalf("%v from %d: news %v, losers %v, want %v, %v", r, id, news, losers, wantNews, want)
	}
	if !news {
		return
	}
	for _, u := range l.units(r) {
		if !l.done[u] {
			l.news[u]++
		}
		l.done[u] = true
		for id := range l.leased {
			delete(l.leased[id], u)
			delete(l.begun[id], u)
		}
	}
}

// salvage has a session give up r, which need not be what it holds, but for what of it
// has come: up to a byte before the end of a unit.
func (l *ledger) salvage(t *rapid.T, a *Assigner, id SessionID, r rangeset.Range) {
	divided := a.divided.Contains(l.piece(r.Start/shareBytes)) || a.divided.Len() <= (maxDivided-1)*PieceBytes
	come := rangeset.Range{Start: r.Start, End: r.End - rapid.Int64Range(0, 1).Draw(t, "short")}
	want := rangeset.Range{Start: r.Start, End: come.End / shareBytes * shareBytes}
	if !divided || slices.ContainsFunc(l.units(want), func(u int64) bool {
		return !l.leased[id][u] || len(l.holders(u)) > 1 || l.reopened[u] > 0
	}) {
		want = rangeset.Range{}
	}
	got := a.Salvage(id, come)
	if got.Empty() && want.Empty() {
		return
	}
	if got != want {
		t.Fatalf("of %v from %d %v was kept, want %v", come, id, got, want)
	}
	l.salvaged++
	for _, u := range l.units(got) {
		l.done[u] = true
		l.news[u]++
		delete(l.leased[id], u)
		delete(l.begun[id], u)
	}
}

// receiveAll has a session receive what it holds, piece by piece.
func (l *ledger) receiveAll(t *rapid.T, a *Assigner, id SessionID) {
	for i := range l.pieces() {
		var held rangeset.Set
		for _, u := range l.units(PieceRange(i, l.size)) {
			if l.leased[id][u] {
				held.Add(l.unit(u))
			}
		}
		for _, r := range held.Ranges() {
			l.received(t, a, id, r)
		}
	}
}

func (l *ledger) giveBack(t *rapid.T, id SessionID, call func(SessionID) int64, leaves bool) {
	var want int64
	for u := range l.leased[id] {
		if len(l.holders(u)) == 1 {
			want += l.unit(u).Len()
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
		r := l.part(t, i)
		ranges = append(ranges, r)
		can = can && l.areFree(r)
	}
	if got := a.Reclaim(id, ranges); got != can {
		t.Fatalf("reclaim %v: %v", ranges, got)
	}
	for _, r := range ranges {
		for _, u := range l.units(r) {
			if can {
				l.leased[id][u] = true
			}
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
		before := a.left
		l.receiveAll(t, a, last)
		if a.left == before {
			t.Fatalf("%d bytes are left, and nothing counts of the %v that the only session has; %v is free, %v reserved",
				a.left, a.workers[last].lease.Ranges(), a.free.Ranges(), a.reserved.Ranges())
		}
	}
	l.agrees(t, a)
	for _, u := range l.all() {
		if l.news[u] != 1+l.reopened[u] {
			t.Fatalf("unit %d came %d times, and was opened again %d times", u, l.news[u], l.reopened[u])
		}
	}
}
