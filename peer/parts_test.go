package peer

import (
	"bytes"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
)

// sharing is two sessions with different peers of which one has begun the only piece
// of a file, and the other takes its second half.
func sharing(t *testing.T) (l *lender, first, second *clientSession) {
	l = newLender(t, assign.PieceBytes)
	first, second = l.session(), l.session()
	second.peer.index = 1
	l.lend(first, pieces(0, 1))
	l.arrive(first, rangeset.Range{End: 1000})
	second.takeWork(time.Now())
	for _, g := range second.gets {
		if want := (rangeset.Range{Start: 512 << 10, End: assign.PieceBytes}); g.data != want {
			t.Fatalf("the second session was given %v, want %v", g.data, want)
		}
	}
	if len(second.gets) != 1 {
		t.Fatal("nothing is shared")
	}
	return l, first, second
}

// TestSessionsShareAPiece: whoever has its part last hands over the whole, in which
// each byte is where it was sent to.
func TestSessionsShareAPiece(t *testing.T) {
	const half = 512 << 10
	fill := func(c *clientSession, b byte) {
		for _, p := range c.pieces {
			for i := range p.bytes(p.data) {
				p.bytes(p.data)[i] = b
			}
		}
	}
	for name, firstIsLast := range map[string]bool{"the first is last": true, "the second is last": false} {
		t.Run(name, func(t *testing.T) {
			l, first, second := sharing(t)
			if err := first.obey(); err != nil {
				t.Fatal(err)
			}
			ends := []func(){
				func() {
					l.arrive(second, rangeset.Range{Start: half, End: assign.PieceBytes - 1})
					fill(second, 2)
					l.arrive(second, rangeset.Range{Start: assign.PieceBytes - 1, End: assign.PieceBytes})
				},
				func() {
					l.arrive(first, rangeset.Range{Start: 1000, End: half - 1})
					fill(first, 1)
					l.arrive(first, rangeset.Range{Start: half - 1, End: half})
				},
			}
			if !firstIsLast {
				ends[0], ends[1] = ends[1], ends[0]
			}
			ends[0]()
			if len(l.writes) != 0 || l.writing != 0 {
				t.Fatal("half a piece was handed over")
			}
			if want := len(first.pieces) + len(second.pieces); l.pool.lent != want {
				t.Errorf("%d pieces are lent beside the part that is here, want %d", l.pool.lent, want)
			}
			ends[1]()
			p := <-l.writes
			// The last byte of each part came when the rest had been marked.
			want := bytes.Repeat([]byte{1}, half-1)
			want = append(want, 0)
			want = append(want, bytes.Repeat([]byte{2}, half-1)...)
			want = append(want, 0)
			if p.data != pieces(0, 1) || !bytes.Equal(p.buf, want) || p.from != fromSeveral {
				t.Errorf("the piece %v from %d is not made of the parts", p.data, p.from)
			}
			l.pool.put(p)
			l.settled(first, second)
		})
	}
}

// TestWhoHadItAllBeforeItWasTold: the piece comes whole from the first session, and
// the second stops.
func TestWhoHadItAllBeforeItWasTold(t *testing.T) {
	l, first, second := sharing(t)
	l.arrive(second, rangeset.Range{Start: 512 << 10, End: 600 << 10})
	l.arrive(first, rangeset.Range{Start: 1000, End: assign.PieceBytes})
	if err := second.obey(); err != nil {
		t.Fatal(err)
	}
	if p := <-l.writes; p.from != 0 || p.data != pieces(0, 1) {
		t.Errorf("%v from %d", p.data, p.from)
	} else {
		l.pool.put(p)
	}
	if err := first.obey(); err != nil {
		t.Fatal(err)
	}
	l.settled(first, second)
}

// TestItHadItsPartWhenItWasTold: to be told that a piece is shared completes what is
// left of it.
func TestItHadItsPartWhenItWasTold(t *testing.T) {
	l, first, second := sharing(t)
	l.arrive(first, rangeset.Range{Start: 1000, End: 700 << 10})
	if err := first.obey(); err != nil {
		t.Fatal(err)
	}
	if len(first.gets) != 0 || len(first.pieces) != 0 {
		t.Errorf("the first session waits for %d requests", len(first.gets))
	}
	l.arrive(second, rangeset.Range{Start: 512 << 10, End: assign.PieceBytes})
	l.settled(first, second)
}

// TestWhatIsLeftOfAPiece when a session is told to drop some of it: its beginning, its
// end, or its middle, which it fetches all the same.
func TestWhatIsLeftOfAPiece(t *testing.T) {
	const kib = 1 << 10
	for name, tc := range map[string]struct{ drop, left rangeset.Range }{
		"the end":       {rangeset.Range{Start: 512 * kib, End: 2048 * kib}, rangeset.Range{End: 512 * kib}},
		"the beginning": {rangeset.Range{End: 128 * kib}, rangeset.Range{Start: 128 * kib, End: 1024 * kib}},
		"the middle":    {rangeset.Range{Start: 256 * kib, End: 512 * kib}, rangeset.Range{End: 1024 * kib}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLender(t, assign.PieceBytes)
			c := l.session()
			l.lend(c, pieces(0, 1))
			l.arrive(c, rangeset.Range{Start: 100 * kib, End: 200 * kib})
			if err := c.dropRange(tc.drop); err != nil {
				t.Fatal(err)
			}
			p := c.pieces[tc.left.Start]
			if len(c.pieces) != 1 || p == nil || p.data != tc.left {
				t.Fatalf("pieces %v, want %v", c.pieces, tc.left)
			}
			if want := tc.left.Intersect(rangeset.Range{Start: 100 * kib, End: 200 * kib}).Len(); p.have.Len() != want {
				t.Errorf("%d bytes are there, want %d", p.have.Len(), want)
			}
			l.arrive(c, tc.left)
			if len(c.pieces) != 0 || len(c.gets) != 0 {
				t.Errorf("%d pieces and %d requests are left", len(c.pieces), len(c.gets))
			}
		})
	}
}

// TestAPartOfASilentSession is given to another, and its own comes too late, or first.
func TestAPartOfASilentSession(t *testing.T) {
	l, first, second := sharing(t)
	if err := first.obey(); err != nil {
		t.Fatal(err)
	}
	l.arrive(second, rangeset.Range{Start: 512 << 10, End: 600 << 10})
	l.arrive(first, rangeset.Range{Start: 1000, End: 512 << 10})
	second.silent = true
	l.silent(second)
	l.lend(first, rangeset.Range{Start: 512 << 10, End: assign.PieceBytes})
	l.arrive(first, rangeset.Range{Start: 512 << 10, End: assign.PieceBytes})
	if err := second.revive(); err != nil {
		t.Fatal(err)
	}
	l.settled(first, second)

	l, first, second = sharing(t)
	l.arrive(second, rangeset.Range{Start: 512 << 10, End: 600 << 10})
	second.silent = true
	l.silent(second)
	if err := second.revive(); err != nil { // nobody has taken it
		t.Fatal(err)
	}
	if err := first.obey(); err != nil {
		t.Fatal(err)
	}
	l.arrive(second, rangeset.Range{Start: 600 << 10, End: assign.PieceBytes})
	l.arrive(first, rangeset.Range{Start: 1000, End: 512 << 10})
	l.settled(first, second)
}

// TestASmallFileFromSeveral: three servers that are alike send a piece sooner than one.
func TestASmallFileFromSeveral(t *testing.T) {
	link := netsim.Link{Rate: 1_250_000, Delay: 10 * time.Millisecond, MTU: 1500}
	var one time.Duration
	for _, servers := range []int{1, 3} {
		inWorld(t, 1, servers, assign.PieceBytes, link, func(w *world) {
			f, took := w.fetch(w.options())
			t.Logf("%d servers: %v, %d bytes came twice", servers, took, came(f)-assign.PieceBytes)
			if servers == 1 {
				one = took
			} else if took > one*6/10 {
				t.Errorf("three servers took %v, one %v", took, one)
			}
			if n := came(f) - assign.PieceBytes; n > assign.PieceBytes/4 {
				t.Errorf("%d bytes came twice", n)
			}
		})
	}
}

// TestALiarSharesAPiece: nobody is blamed for what several have sent. It comes again from
// one, and the file is right; if that one lies it is known who does.
func TestALiarSharesAPiece(t *testing.T) {
	const count = 6
	link := netsim.Link{Rate: 2_500_000, Delay: 10 * time.Millisecond, MTU: 1500}
	shared, caught := 0, 0
	for i := range count {
		inWorld(t, 1, 2, count*assign.PieceBytes, link, func(w *world) {
			link := link
			link.Rate /= 3
			liar := w.servers[1]
			w.net.SetPath(w.client.Addr(), liar.host.Addr(), link)
			wrong := bytes.Clone(w.content)
			for at := i * assign.PieceBytes; at < (i+1)*assign.PieceBytes; at++ {
				wrong[at] ^= 1
			}
			w.lie(liar, wrong)
			o := w.options()
			hash := treeRoot(w.content)
			o.Hash = &hash
			f, took := w.fetch(o)
			again := came(f) - int64(len(w.content))
			p := f.Snapshot().Peers[1]
			t.Logf("piece %d: %v, %d bytes came twice, the liar is %v %q", i, took, again, p.State, p.Note)
			switch {
			case p.State == Out:
				caught++
			case again >= assign.PieceBytes:
				shared++
			}
			w.in(f, 0)
		})
	}
	if shared == 0 || caught == 0 {
		t.Errorf("%d lies were in shared pieces, %d in others: not all was tried", shared, caught)
	}
}

// TestWhatComesAgainIsNoProgress: a server that sends the same bytes again and again, each
// time as a new burst, has no rate by that.
func TestWhatComesAgainIsNoProgress(t *testing.T) {
	l := newLender(t, assign.PieceBytes)
	c := l.session()
	l.lend(c, pieces(0, 1))
	r := rangeset.Range{Start: 1000, End: 65_000}
	l.arrive(c, r)
	for range 5 {
		l.arrive(c, r)
	}
	l.arrive(c, rangeset.Range{Start: 500, End: 1500})
	if want := r.Len() + 500; c.placed != want {
		t.Errorf("%d bytes count, want %d", c.placed, want)
	}
	now := time.Now()
	c.meter.Tick(now, true)
	c.meter.Tick(now.Add(time.Second), true)
	if got, want := c.meter.Rate(), float64(r.Len()+500); got != want {
		t.Errorf("a rate of %v, want %v", got, want)
	}
}
