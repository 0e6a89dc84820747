package peer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"chunkcp/proto"
)

// tabled is a halfOpenTable under test: what it says of itself is checked after
// each step.
type tabled struct {
	*halfOpenTable
	t   *testing.T
	now time.Time
}

func newTabled(t *testing.T) *tabled {
	return &tabled{newHalfOpenTable(), t, time.Now()}
}

func (x *tabled) begin(addr netip.AddrPort, id int) (p, evicted *halfOpen) {
	x.t.Helper()
	p, evicted = x.add(x.now, helloKey{addr: addr, hello: proto.HelloID(id)})
	return p, evicted
}

// check holds the table's books against each other.
func (x *tabled) check() {
	x.t.Helper()
	n := x.order.Len()
	if n > maxHalfOpen || len(x.byHello) != n || len(x.bySession) != n {
		x.t.Fatalf("%d in order, %d by hello, %d by session", n, len(x.byHello), len(x.bySession))
	}
	sum, most, waiting, finishing := 0, 0, 0, 0
	for addr, l := range x.byAddr {
		if len(l.half) == 0 || len(l.half) > maxHalfOpenAddr || l.addr != addr {
			x.t.Fatalf("%v holds %d", addr, len(l.half))
		}
		sum += len(l.half)
		most = max(most, len(l.half))
		waiting += l.waiting
		finishing += l.finishing
	}
	levels := 0
	for n := range x.levels {
		levels += x.levels[n].Len()
	}
	unanswered, read := 0, 0
	for e := x.order.Front(); e != nil; e = e.Next() {
		p := e.Value.(*halfOpen)
		if p.reply == nil {
			unanswered++
		}
		if p.finishing {
			read++
		}
	}
	if finishing != read {
		x.t.Fatalf("%d are finishing, noted %d", read, finishing)
	}
	if sum != n || most != x.most || levels != len(x.byAddr) || waiting != unanswered {
		x.t.Fatalf("%d handshakes, %d by address; most %d, noted %d; %d addresses, %d in levels; %d unanswered, noted %d",
			n, sum, most, x.most, len(x.byAddr), levels, unanswered, waiting)
	}
}

func v4(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1000)
}

func TestHalfOpenHandshakesExpire(t *testing.T) {
	x := newTabled(t)
	p, _ := x.begin(v4(1), 1)
	x.now = x.now.Add(halfOpenTime)
	q, _ := x.begin(v4(1), 2)
	x.expire(x.now)
	if p.gone || x.find(p.helloKey) != p || x.bySession[p.session] != p {
		t.Error("one was forgotten too early")
	}
	x.expire(x.now.Add(1))
	x.check()
	if !p.gone || q.gone || x.order.Len() != 1 {
		t.Error("the old one is kept, or the new one is not")
	}
}

// One address that sends ever more Hellos gets its share, and has pushed nobody out.
func TestOneAddressPushesNobodyOut(t *testing.T) {
	x := newTabled(t)
	honest, _ := x.begin(v4(1), 1)
	for i := range 3 * maxHalfOpen {
		p, evicted := x.begin(netip.AddrPortFrom(v4(2).Addr(), uint16(1+i)), i)
		if (p != nil) != (i < maxHalfOpenAddr) || evicted != nil {
			t.Fatalf("hello %d: taken %v, evicted %v", i, p != nil, evicted != nil)
		}
	}
	x.check()
	if honest.gone {
		t.Error("the other address was pushed out")
	}
}

// A few addresses fill the table. Who comes then is let in at their cost.
func TestAFullTableIsFair(t *testing.T) {
	x := newTabled(t)
	honest, _ := x.begin(v4(99), 1)
	for i := range 8 * maxHalfOpenAddr {
		x.begin(v4(i%7), i)
	}
	x.check()
	if x.order.Len() != maxHalfOpen {
		t.Fatalf("%d half-open handshakes, want a full table", x.order.Len())
	}
	for i := range 100 {
		p, evicted := x.begin(v4(1000+i), 1)
		if p == nil || evicted == nil || evicted.addr.Addr() == honest.addr.Addr() {
			t.Fatalf("newcomer %d: taken %v, in place of %v", i, p != nil, evicted)
		}
		if held, _ := x.held(evicted.addr); held < maxHalfOpen/7-100 {
			t.Fatalf("%v had to make room and holds %d", evicted.addr, held)
		}
		x.check()
	}
	most := x.levels[x.most].Front().Value.(*addressLoad)
	if p, evicted := x.begin(most.half[0].addr, -1); p != nil || evicted != nil {
		t.Error("who holds most was given more")
	}
	if honest.gone {
		t.Error("an address with one handshake had to make room for those with hundreds")
	}
}

// TestWhoMakesRoomHasWaitedLongest: among addresses that hold the same.
func TestWhoMakesRoomHasWaitedLongest(t *testing.T) {
	x := newTabled(t)
	var all []*halfOpen
	for i := range maxHalfOpen {
		p, _ := x.begin(v4(i), 1)
		all = append(all, p)
	}
	for i := range 10 {
		if p, evicted := x.begin(v4(maxHalfOpen+i), 1); p == nil || evicted != all[i] {
			t.Fatalf("newcomer %d: taken %v, in place of another than the oldest", i, p != nil)
		}
	}
	x.check()
}

func TestSite(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::9]:2", true},
		{"[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1", true},
	} {
		if got := site(netip.MustParseAddrPort(c.a)) == site(netip.MustParseAddrPort(c.b)); got != c.same {
			t.Errorf("%s and %s: one site %v, want %v", c.a, c.b, got, c.same)
		}
	}
}

// TestHalfOpenTable does anything to a table, against its own books.
func TestHalfOpenTable(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 8))
			x := newTabled(t)
			var live []*halfOpen
			for step := range 20_000 {
				switch k := rng.IntN(20); {
				case k < 14:
					// Few addresses send much, many send little.
					if p, _ := x.begin(v4(int(rng.ExpFloat64()*float64(1+seed*seed*20))), step); p != nil {
						live = append(live, p)
					}
				case k < 16 && len(live) > 0:
					i := rng.IntN(len(live))
					if p := live[i]; !p.gone && p.reply == nil {
						x.answer(p, x.now, nil, []byte{1})
					} else {
						x.finish(p, !p.finishing)
					}
				case k < 18 && len(live) > 0:
					i := rng.IntN(len(live))
					x.remove(live[i]) // some are gone already
					live = slices.Delete(live, i, i+1)
				case k == 18:
					x.now = x.now.Add(time.Duration(rng.IntN(20)) * time.Millisecond)
					x.expire(x.now)
				}
				if step%500 == 0 {
					x.check()
				}
			}
			x.check()
			x.expire(x.now.Add(time.Minute))
			x.check()
			if x.order.Len() != 0 || len(x.byAddr) != 0 {
				t.Error("some are kept for ever")
			}
		})
	}
}
