package peer

import (
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
)

// TestWhatComesFromASilentSession counts, and only the rest goes to another; it goes on
// with that if nobody has taken it.
func TestWhatComesFromASilentSession(t *testing.T) {
	const kib = 1 << 10
	rest := rangeset.Range{Start: 640 * kib, End: assign.PieceBytes}
	for name, taken := range map[string]bool{"another takes the rest": true, "it comes back": false} {
		t.Run(name, func(t *testing.T) {
			l := newLender(t, assign.PieceBytes)
			first, second := l.session(), l.session()
			second.peer.index = 1
			l.lend(first, pieces(0, 1))
			l.arrive(first, rangeset.Range{End: 700 * kib})
			first.silent = true
			first.salvage()
			l.silent(first)
			if !l.assign.Done(rangeset.Range{End: rest.Start}) || l.assign.Left() != rest.Len() {
				t.Fatalf("%d bytes are left, want %d", l.assign.Left(), rest.Len())
			}
			by := first
			if taken {
				by = second
				second.takeWork(time.Now())
				if err := first.revive(); err != nil || len(first.gets) != 0 || len(first.pieces) != 0 {
					t.Fatalf("%v; it waits for %d requests", err, len(first.gets))
				}
			} else if err := first.revive(); err != nil || len(first.gets) != 1 {
				t.Fatalf("%v; it waits for %d requests", err, len(first.gets))
			} else if p := first.pieces[rest.Start]; p == nil || p.have.Len() != 60*kib {
				t.Fatal("what it had of the rest is gone")
			}
			l.arrive(by, rest)
			p := <-l.writes
			if p.data != pieces(0, 1) || p.from != by.peer.index && p.from != fromSeveral {
				t.Errorf("%v from %d was handed over", p.data, p.from)
			}
			l.pool.put(p)
			l.settled(first, second)
		})
	}
}

// TestNothingIsSalvagedOf what has no beginning, nor of who gave a wrong piece or broke the
// protocol.
func TestNothingIsSalvagedOf(t *testing.T) {
	wrong := int64(1)
	for name, tc := range map[string]struct {
		come  rangeset.Range
		bad   *int64
		fault error
	}{
		"a piece without its beginning": {come: rangeset.Range{Start: 1, End: 512 << 10}},
		"less than is worth a request":  {come: rangeset.Range{End: 64<<10 - 1}},
		"a liar's":                      {come: rangeset.Range{End: 512 << 10}, bad: &wrong},
		"one's who broke the protocol":  {come: rangeset.Range{End: 512 << 10}, fault: arq.ErrViolation},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLender(t, assign.PieceBytes)
			c := l.session()
			l.lend(c, pieces(0, 1))
			l.arrive(c, tc.come)
			c.peer.bad, c.fault = tc.bad, tc.fault
			c.salvage()
			if l.assign.Left() != assign.PieceBytes {
				t.Errorf("%d bytes are left", l.assign.Left())
			}
		})
	}
}

// TestADeadServersPiecesAreKept: of what has come of each only the last is fetched again.
func TestADeadServersPiecesAreKept(t *testing.T) {
	heavy(t)
	link := netsim.Link{Rate: 128 << 10, Delay: 10 * time.Millisecond, MTU: 1500}
	const size = 16 << 20
	for name, end := range map[string]func(w *world, s *simServer){
		"killed":   func(_ *world, s *simServer) { s.host.Down() },
		"stopped":  func(w *world, s *simServer) { w.halt(s) },
		"cut off":  func(w *world, s *simServer) { w.net.Cut(w.client.Addr(), s.addr.Addr()) },
		"held up":  func(w *world, s *simServer) { w.blink(s, 2*time.Second) },
		"silenced": func(w *world, s *simServer) { w.blink(s, 20*time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 2, size, link, func(w *world) {
				w.after(30*time.Second, func() { end(w, w.servers[0]) })
				f, took := w.fetch(w.options())
				// Of each of its four sessions' pieces up to a unit, and what was on its way.
				twice := came(f) - size
				t.Logf("took %v, %d bytes came twice", took, twice)
				if twice > 6*64<<10 {
					t.Errorf("%d bytes came twice", twice)
				}
			})
		})
	}
}

// blink cuts a server off for a while.
func (w *world) blink(s *simServer, d time.Duration) {
	w.net.Cut(w.client.Addr(), s.addr.Addr())
	w.after(d, func() { w.net.Heal(w.client.Addr(), s.addr.Addr()) })
}
