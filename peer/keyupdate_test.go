package peer

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/proto"
)

// phaseCount counts the phases that datagrams on the way belong to.
type phaseCount struct {
	mu      sync.Mutex
	phase   map[phaseKey]uint8
	updates map[proto.Kind]int
}

type phaseKey struct {
	session proto.SessionID
	kind    proto.Kind
}

func (w *world) countPhases() *phaseCount {
	c := &phaseCount{phase: map[phaseKey]uint8{}, updates: map[proto.Kind]int{}}
	w.net.Tap(func(_ time.Time, _, _ netip.AddrPort, b []byte) {
		h, _, _, err := proto.ParseSealed(b)
		if err != nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		key := phaseKey{h.Session, h.Kind}
		if h.Phase == (c.phase[key]+1)%proto.Phases {
			c.phase[key] = h.Phase
			c.updates[h.Kind]++
		}
	})
	return c
}

func (c *phaseCount) of(k proto.Kind) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.updates[k]
}

func (c *phaseCount) sessions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[proto.SessionID]bool{}
	for k := range c.phase {
		ids[k.session] = true
	}
	return len(ids)
}

// TestKeyUpdates: keys that last for 64 datagrams, over paths that lose, repeat
// and hold back; whole fetches, hundreds of updates, the phase's byte comes round,
// and no session is lost.
func TestKeyUpdates(t *testing.T) {
	heavy(t)
	const keyPackets = 64
	clean := netsim.Link{Rate: 12_500_000, Delay: time.Millisecond, MTU: 1500}
	bad := clean
	bad.Loss, bad.BurstLen, bad.Duplicate, bad.Reorder, bad.ReorderBy = 0.03, 2, 0.1, 0.2, 3*time.Millisecond
	long := clean
	long.Delay = 10 * time.Millisecond
	for name, c := range map[string]struct {
		link     netsim.Link
		outages  bool
		atServer int // updates, at least
		atClient int
	}{"clean": {clean, false, 300, 30}, "bad": {bad, false, 300, 30}, "outages": {long, true, 100, 20}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 5, 1, 48<<20, c.link, func(w *world) {
				s := w.servers[0]
				if c.outages { // in each of which all is lost that was sent in several phases
					for i := range 10 {
						at := time.Duration(1+i) * 300 * time.Millisecond
						w.after(at, func() { w.net.Cut(w.client.Addr(), s.host.Addr()) })
						w.after(at+50*time.Millisecond, func() { w.net.Heal(w.client.Addr(), s.host.Addr()) })
					}
				}
				s.limits.KeyPackets = keyPackets
				ended := w.logOf(s, "session ended")
				phases := w.countPhases()
				o := w.options()
				o.Limits.KeyPackets = keyPackets
				_, took := w.fetch(o)
				time.Sleep(time.Second)
				server, client := phases.of(proto.KindServerSealed), phases.of(proto.KindClientSealed)
				t.Logf("%v, %d updates of the server's key, %d of the client's", took, server, client)
				if server < c.atServer || client < c.atClient {
					t.Errorf("only %d and %d updates", server, client)
				}
				// Its goodbye may be lost.
				if got := ended(); len(got) > 1 || phases.sessions() != 1 || len(got) == 1 && fmt.Sprint(got[0].ContextMap()["reason"]) != "session closed by the peer: done" {
					t.Errorf("%d sessions; those that ended: %v", phases.sessions(), got)
				}
			})
		})
	}
}

// TestAnIdleClientsKeyIsUpdated: one that only acknowledges asks for the answer
// that lets it update.
func TestAnIdleClientsKeyIsUpdated(t *testing.T) {
	link := netsim.Link{Rate: 12_500_000, Delay: time.Millisecond, MTU: 1500}
	inWorld(t, 1, 1, 8<<20, link, func(w *world) {
		phases := w.countPhases()
		o := w.options()
		o.Limits.KeyPackets = 16
		w.fetch(o)
		if n := phases.of(proto.KindClientSealed); n < 20 {
			t.Errorf("%d updates of the client's key", n)
		}
		if n := phases.of(proto.KindServerSealed); n != 1 {
			t.Errorf("%d updates of the server's, whose limit is the usual one", n)
		}
	})
}
