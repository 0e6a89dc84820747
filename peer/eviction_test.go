package peer

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/netsim"
	"chunkcp/proto"
)

// fullServer is a server without goroutines, whose sessions only have a place.
type fullServer struct {
	*server
	now  time.Time
	last proto.SessionID
}

func newFullServer() *fullServer {
	return &fullServer{
		server: &server{quota: newQuota(), sessions: map[proto.SessionID]*serverSession{}},
		now:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// join gives h a session that it uses now, or returns nil.
func (f *fullServer) join(h holder) *serverSession {
	if f.seat(f.now, h) != nil {
		return nil
	}
	f.last++
	c := &serverSession{session: &session{id: f.last}, holder: h, wake: make(chan struct{}, 1)}
	c.used.Store(f.now.UnixNano())
	f.sessions[c.id] = c
	return c
}

// settle ends the sessions that were evicted, and returns how many of whose.
func (f *fullServer) settle() map[netip.Addr]int {
	ended := map[netip.Addr]int{}
	for _, c := range f.sessions {
		if c.evicted.Load() {
			ended[c.holder.addr]++
			f.forget(c)
		}
	}
	return ended
}

// fill has so many addresses share all places, in turns, a millisecond each.
func (f *fullServer) fill(t *testing.T, addresses int) {
	t.Helper()
	for i := range maxServed {
		if f.join(client(i%addresses, i)) == nil {
			t.Fatalf("session %d is refused", i)
		}
		f.now = f.now.Add(time.Millisecond)
	}
}

// check holds the books against what is there.
func (f *fullServer) check(t *testing.T) {
	t.Helper()
	here := 0
	for _, c := range f.sessions {
		if !c.evicted.Load() {
			here++
		}
	}
	if f.quota.total != here || here > maxServed {
		t.Errorf("%d sessions are counted, %d are here, of %d", f.quota.total, here, maxServed)
	}
}

// TestFiveAddressesMakeRoomForASixth: together they have all sessions of a server.
func TestFiveAddressesMakeRoomForASixth(t *testing.T) {
	f := newFullServer()
	f.fill(t, 5)
	for i := range evictions {
		if f.join(client(100, i)) == nil {
			t.Fatalf("the newcomer's session %d is refused", i)
		}
		f.check(t)
	}
	if c := f.join(client(100, 0)); c != nil {
		t.Error("more make room at once than may")
	}
	ended, total := f.settle(), 0
	for a := range 5 {
		n := ended[client(a, 0).addr]
		if total += n; n < evictions/5 || n > evictions/5+1 {
			t.Errorf("address %d has lost %d sessions, want a fifth of %d", a, n, evictions)
		}
	}
	if total != evictions {
		t.Errorf("%d sessions have made room, want %d", total, evictions)
	}
	f.check(t)
	f.now = f.now.Add(time.Second)
	joined := 0
	for f.join(client(100, joined)) != nil {
		joined++
	}
	if joined != evictionsPerSec {
		t.Errorf("a second later %d more got room, want %d", joined, evictionsPerSec)
	}
}

// TestTheIdlestMakesRoom: of the address that has most, whose client has taken
// nothing for longest.
func TestTheIdlestMakesRoom(t *testing.T) {
	f := newFullServer()
	f.fill(t, 5)
	for _, c := range f.sessions {
		if c.holder.addr == client(3, 0).addr {
			c.used.Store(f.now.UnixNano())
		}
	}
	first, last := f.sessions[4], f.sessions[maxServed-1] // of address 3: the ids begin at 1
	first.used.Store(f.now.Add(-2 * time.Second).UnixNano())
	last.used.Store(f.now.Add(-time.Second).UnixNano())
	f.forget(f.sessions[1])
	if f.join(client(3, 0)) == nil { // which now has one more than the others
		t.Fatal("the place that is free is refused")
	}
	if f.join(client(100, 0)) == nil {
		t.Fatal("the newcomer is refused")
	}
	if last.holder.addr == first.holder.addr && last.evicted.Load() || !first.evicted.Load() {
		t.Errorf("the idlest was kept; ended: %v", f.settle())
	}
	if len(first.wake) != 1 {
		t.Error("it was not woken")
	}
}

// TestEqualsDoNotMakeRoom for each other, as long as they use what they have.
func TestEqualsDoNotMakeRoom(t *testing.T) {
	f := newFullServer()
	f.fill(t, maxServed)
	if f.join(client(-1, -1)) != nil {
		t.Fatal("a session that was used lately was ended for an equal")
	}
	f.now = f.now.Add(unusedTime)
	used := f.sessions[1]
	used.used.Store(f.now.UnixNano())
	for i := range 2 {
		if f.join(client(-1, -1-i)) == nil {
			t.Fatalf("newcomer %d is refused, where nobody uses what he has", i)
		}
	}
	if used.evicted.Load() || !f.sessions[2].evicted.Load() || !f.sessions[3].evicted.Load() {
		t.Errorf("others were ended than the two that are not used for longest: %v", f.settle())
	}
	f.check(t)
}

// TestAnIdleCrowdMakesRoom: one address has all sessions of a server, and keeps
// them with a Ping now and then. Another client is served; the one session that
// the crowd uses stays.
func TestAnIdleCrowdMakesRoom(t *testing.T) {
	const sessions, places = 3, 8
	inRogueWorld(t, 4<<20, func(w *world, _ func() []observer.LoggedEntry) {
		s := w.servers[0]
		s.adjust = func(o *ServeOptions) { o.sessions = places }
		ended := w.logOf(s, "session ended")
		own := w.client
		w.client = w.net.Host(netip.MustParseAddr("10.0.9.9"))
		w.net.SetPath(w.client.Addr(), s.addr.Addr(), netsim.Link{Rate: 12_500_000, Delay: 5 * time.Millisecond, MTU: 1600})
		crowd := []*rogue{w.rogue(s, 1<<20, openIt, getAll)}
		for range places - 1 {
			crowd = append(crowd, w.rogue(s, 0))
		}
		for range 3 {
			for _, r := range crowd {
				r.ask(ping)
				r.live(time.Second, true)
			}
		}
		if n := len(ended()); n != 0 {
			t.Fatalf("%d sessions ended before anybody came", n)
		}
		w.client = own
		o := w.options()
		o.Sessions = sessions
		w.fetch(o)
		told := 0
		for _, r := range crowd[1:] {
			r.live(time.Second, true)
			if closed := (*errClosed)(nil); errors.As(r.ended, &closed) && closed.Code == proto.CloseBusy {
				told++
			}
		}
		evicted := 0
		for _, e := range ended() {
			if e.ContextMap()["reason"] == errEvicted.Error() {
				evicted++
			}
		}
		crowd[0].live(time.Second, true)
		if evicted != sessions || told != evicted || crowd[0].ended != nil {
			t.Errorf("%d sessions made room and %d were told so, want %d; the one in use: %v", evicted, told, sessions, crowd[0].ended)
		}
	})
}

// BenchmarkMakeRoom finds who is to go among all that there may be.
func BenchmarkMakeRoom(b *testing.B) {
	for _, addresses := range []int{5, maxServed} {
		b.Run(fmt.Sprint(addresses), func(b *testing.B) {
			f := newFullServer()
			for i := range maxServed {
				f.join(client(i%addresses, i))
			}
			newcomer := client(-1, -1).addr
			for b.Loop() {
				f.quota.evictions = tokenBucket{perSec: 1, most: 1}
				f.makeRoom(f.now, newcomer)
			}
		})
	}
}
