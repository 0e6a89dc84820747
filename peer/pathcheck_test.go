package peer

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

var (
	here      = netip.MustParseAddrPort("192.0.2.1:1000")
	elsewhere = netip.MustParseAddrPort("198.51.100.1:2000")
)

// pathStory drives a pathCheck by hand.
type pathStory struct {
	pathCheck
	now time.Time
}

func newPathStory() *pathStory { return &pathStory{now: time.Unix(1e9, 0)} }

func (s *pathStory) asked() (proto.PathChallenge, bool) {
	return s.poll(s.now, 50*time.Millisecond, rand.Uint64)
}

func TestAPathIsProvenByItsOwnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		from   netip.AddrPort
		change func(d *proto.PathData)
		want   bool
	}{
		"the answer":     {here, func(*proto.PathData) {}, true},
		"from elsewhere": {elsewhere, func(*proto.PathData) {}, false},
		"of other data":  {here, func(d *proto.PathData) { d[7] ^= 1 }, false},
		"of no data":     {here, func(d *proto.PathData) { *d = proto.PathData{} }, false},
	} {
		s := newPathStory()
		s.answer(s.now, here, proto.PathResponse{}) // to nothing
		s.heard(s.now, here, 60, true)
		s.answer(s.now, here, proto.PathResponse{}) // before anything was asked
		q, ok := s.asked()
		if !ok || s.proven {
			t.Fatalf("asked: %v, proven: %v", ok, s.proven)
		}
		s.now = s.now.Add(30 * time.Millisecond)
		c.change(&q.Data)
		s.answer(s.now, c.from, proto.PathResponse(q))
		if s.proven != c.want || c.want && s.rtt != 30*time.Millisecond {
			t.Errorf("%s: proven %v, round trip %v", name, s.proven, s.rtt)
		}
	}
}

// TestOldDatagramsAskNothing: what was overtaken on the way is no sign of a move.
func TestOldDatagramsAskNothing(t *testing.T) {
	s := newPathStory()
	s.heard(s.now, here, 60, false)
	if _, ok := s.asked(); ok {
		t.Error("asked because of an old datagram")
	}
}

// TestAnAddressIsAskedThreeTimes: then it is forgotten, until a newer datagram
// comes from there.
func TestAnAddressIsAskedThreeTimes(t *testing.T) {
	s := newPathStory()
	s.heard(s.now, here, 60, true)
	var first proto.PathChallenge
	for i := range challengeTries {
		q, ok := s.asked()
		if !ok || i > 0 && q != first {
			t.Fatalf("try %d: asked %v, with %v after %v", i, ok, q, first)
		}
		first = q
		if _, again := s.asked(); again {
			t.Fatal("asked twice at once")
		}
		s.now = s.nextTimeout()
	}
	if _, ok := s.asked(); ok || !s.nextTimeout().IsZero() {
		t.Error("asked a fourth time, or means to")
	}
	s.answer(s.now, here, proto.PathResponse(first))
	if s.proven {
		t.Error("an answer counts after the check was given up")
	}
	s.heard(s.now, here, 60, true)
	if q, ok := s.asked(); !ok || q == first {
		t.Errorf("asked anew: %v, with the same data: %v", ok, q == first)
	}
}

// TestTheRateOfChallengesIsBounded: however many addresses a session's datagrams
// come from.
func TestTheRateOfChallengesIsBounded(t *testing.T) {
	s := newPathStory()
	began, n := s.now, 0
	for i := range 20_000 {
		s.now = s.now.Add(time.Millisecond / 4)
		s.heard(s.now, netip.AddrPortFrom(here.Addr(), uint16(1+i)), 60, true)
		if _, ok := s.asked(); ok {
			n++
		}
	}
	if most := int(s.now.Sub(began)/challengeGap) + 1; n > most || n < most/2 {
		t.Errorf("%d challenges in %v, at most %d are to be", n, s.now.Sub(began), most)
	}
}

// TestAnUnprovenAddressGetsLittle: three times what came from there, whatever the
// lengths are.
func TestAnUnprovenAddressGetsLittle(t *testing.T) {
	for length := 1; length < 200; length++ {
		s := newPathStory()
		received, sent := 0, 0
		for range 1000 {
			if s.now = s.now.Add(10 * time.Millisecond); rand.IntN(100) == 0 {
				s.heard(s.now, here, length, true)
				if s.addr == here {
					received += length
				}
			}
			if _, ok := s.asked(); ok {
				sent += challengeBytes
			}
			if sent > amplification*received {
				t.Fatalf("%d bytes for %d, in datagrams of %d", sent, received, length)
			}
		}
	}
}

// justFaster is ahead of moveLink, and not by so much that round trips seem shorter.
var justFaster = netsim.Link{Delay: moveLink.Delay - time.Millisecond}

// thief sends a client's datagrams on from elsewhere, before they arrive.
type thief struct {
	mu       sync.Mutex
	stolen   int
	sent     int // bytes
	received int // bytes that the server sent there
	answered int // datagrams
}

// steals has each n-th sealed datagram of the client arrive from elsewhere first.
func (w *world) steals(every int) *thief {
	x := &thief{}
	server := w.servers[0].addr
	w.net.SetLink(elsewhere.Addr(), server.Addr(), justFaster)
	n := 0
	w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if to == elsewhere {
			x.received += len(b)
			x.answered++
		}
		if to != server || proto.KindOf(b) != proto.KindClientSealed {
			return
		}
		if n++; n%every == 0 {
			x.stolen++
			x.sent += len(b)
			w.net.Inject(elsewhere, server, b)
		}
	})
	return x
}

// TestAStolenDatagramMovesNothing: who sees a client's datagrams and is faster
// with them than the client is asked, cannot answer, and changes nothing.
func TestAStolenDatagramMovesNothing(t *testing.T) {
	heavy(t)
	const size = 10 << 20
	for _, every := range []int{20, 2} {
		inWorld(t, 1, 1, size, moveLink, func(w *world) {
			logs := w.logsOf(w.servers[0])
			x := w.steals(every)
			began := time.Now()
			_, took := w.fetch(w.options())
			within(t, "the fetch", took, size*time.Second/1_180_000+time.Second)
			time.Sleep(time.Second)
			x.mu.Lock()
			defer x.mu.Unlock()
			if n := logs.FilterMessage("client moved").Len(); n != 0 {
				t.Errorf("the client is believed to have moved %d times", n)
			}
			if x.stolen < 20 || x.answered == 0 || x.received > amplification*x.sent {
				t.Errorf("%d stolen, %d bytes; %d answers, %d bytes", x.stolen, x.sent, x.answered, x.received)
			}
			if most := int(time.Since(began)/challengeGap) + 1; x.answered > most {
				t.Errorf("%d challenges in %v, at most %d are to be", x.answered, time.Since(began), most)
			}
			t.Logf("%v; %d stolen, %d answers", took, x.stolen, x.answered)
		})
	}
}

// TestAMoveUnderAThief: the client moves while somebody sends on what it sends.
func TestAMoveUnderAThief(t *testing.T) {
	heavy(t)
	const size = 5 << 20
	inWorld(t, 1, 1, size, moveLink, func(w *world) {
		logs := w.logsOf(w.servers[0])
		x := w.steals(5)
		nw := &movingNetwork{simNetwork: simNetwork{w.client}}
		o := w.options()
		o.Network = nw
		w.after(time.Second, func() { nw.each(func(c udp.Conn) { w.client.Rebind(c) }) })
		_, took := w.fetch(o)
		within(t, "the fetch", took, size*time.Second/1_180_000+2*time.Second)
		x.mu.Lock()
		defer x.mu.Unlock()
		if n := logs.FilterMessage("client moved").Len(); n != 1 || x.answered == 0 {
			t.Errorf("the client is believed to have moved %d times; %d challenges went elsewhere", n, x.answered)
		}
	})
}

// relay is a thief that also sends on what comes back; the answers to challenges
// it catches only if it is told to.
func (w *world) relay(answersToo bool) (relayed func() int) {
	var mu sync.Mutex
	var client netip.AddrPort
	server, sent, n := w.servers[0].addr, 0, 0
	w.net.SetLink(elsewhere.Addr(), server.Addr(), justFaster)
	w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case to == elsewhere:
			sent++
			w.net.Inject(server, client, b)
		case to == server && proto.KindOf(b) == proto.KindClientSealed:
			client = from
			isAnswer := len(b) == challengeBytes
			if n++; n%20 == 0 && !isAnswer || isAnswer && answersToo {
				w.net.Inject(elsewhere, server, b)
			}
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return sent
	}
}

// TestARelayedChallengeProvesNothing: it is sent on to the client, by a thief that
// can do so but cannot take its answer from the way.
func TestARelayedChallengeProvesNothing(t *testing.T) {
	heavy(t)
	const size = 5 << 20
	inWorld(t, 1, 1, size, moveLink, func(w *world) {
		logs := w.logsOf(w.servers[0])
		relayed := w.relay(false)
		_, took := w.fetch(w.options())
		within(t, "the fetch", took, size*time.Second/1_180_000+time.Second)
		if n := logs.FilterMessage("client moved").Len(); n != 0 || relayed() == 0 {
			t.Errorf("moved %d times, %d challenges were sent on", n, relayed())
		}
	})
}

// TestAFetchOutlivesARelay: a thief that is faster both ways is the client's path,
// as far as anybody can tell. It is left again as soon as it is not, and the session
// is where it was.
func TestAFetchOutlivesARelay(t *testing.T) {
	heavy(t)
	const size = 5 << 20
	inWorld(t, 1, 1, size, moveLink, func(w *world) {
		logs := w.logsOf(w.servers[0])
		relayed := w.relay(true)
		w.after(3*time.Second, func() { w.net.Tap(nil) }) // all that goes elsewhere is lost from now on
		_, took := w.fetch(w.options())
		within(t, "the fetch", took, size*time.Second/1_180_000+6*time.Second)
		moves := logs.FilterMessage("client moved").All()
		if len(moves) < 2 || relayed() == 0 {
			w.t.Fatalf("moved %d times, %d datagrams were sent on", len(moves), relayed())
		}
		first, last := moves[0].ContextMap(), moves[len(moves)-1].ContextMap()
		if first["to"] != elsewhere.String() || last["to"] != first["from"] {
			t.Errorf("moved from %v to %v first, and to %v in the end", first["from"], first["to"], last["to"])
		}
	})
}

// TestChallengesHaveADirection: a side that gets the other's frame ends the session.
func TestChallengesHaveADirection(t *testing.T) {
	p := newPair()
	p.server.check = &pathCheck{}
	for name, c := range map[string]struct {
		from, to *session
		w        *wire
		f        frame
	}{
		"challenge from a client": {p.client, p.server, &p.up, &proto.PathChallenge{}},
		"response from a server":  {p.server, p.client, &p.down, &proto.PathResponse{}},
	} {
		if err := c.from.sendFrame(c.f); err != nil {
			t.Fatal(err)
		}
		if err := c.to.handle(p.now, c.w.run); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
