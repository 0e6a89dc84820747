package peer

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
)

// TestTheNextFetchIsSooner by half a round trip of startup and more, from a server that knows the
// path: not after ten minutes, nor from another address.
func TestTheNextFetchIsSooner(t *testing.T) {
	heavy(t)
	const size, rtt = 24 << 20, 300 * time.Millisecond // in which a Hello is repeated
	link := netsim.Link{Rate: 12_500_000, Delay: rtt / 2, MTU: 1500}
	inWorld(t, 1, 1, size, link, func(w *world) {
		o := w.options()
		_, first := w.fetch(o)
		_, next := w.fetch(o)
		time.Sleep(knownPathTime)
		_, late := w.fetch(o)
		t.Logf("the first takes %v, the next one %v, one that is late %v", first, next, late)
		if next > first-rtt/2 {
			t.Errorf("the next fetch takes %v, the first took %v", next, first)
		}
		if late < first-rtt/10 {
			t.Errorf("a fetch that is late takes %v, the first took %v", late, first)
		}
		other := w.net.Host(netip.MustParseAddr("10.9.9.9"))
		w.net.SetPath(other.Addr(), w.servers[0].host.Addr(), link)
		o.Network = simNetwork{other}
		if _, took := w.fetch(o); took < first-rtt/10 {
			t.Errorf("from another address it takes %v, the first took %v", took, first)
		}
	})
}

// learned returns a controller that knows its path.
func learned(t *testing.T) *arq.Model {
	t.Helper()
	m := arq.NewModel(1000, 50*time.Millisecond, 1)
	now := time.Now()
	for range 100 {
		d := m.OnSend(now, 50_000)
		now = now.Add(50 * time.Millisecond)
		m.OnAck(now, arq.AckSample{
			Bytes: 50_000, SentAt: now.Add(-50 * time.Millisecond), Sent: d, RTT: 50 * time.Millisecond,
			SmoothedRTT: 50 * time.Millisecond, MinRTT: 50 * time.Millisecond, WindowLimited: true,
		})
	}
	if _, ok := m.Learned(); !ok {
		t.Fatalf("nothing is known in %s", m.Phase())
	}
	return m
}

// TestKnownPathsAreBounded: the oldest goes.
func TestKnownPathsAreBounded(t *testing.T) {
	k, m, now := knownPaths{}, learned(t), time.Now()
	key := func(i int) (key knownPathKey) {
		binary.BigEndian.PutUint32(key.client[:], uint32(i))
		return key
	}
	for i := range 2 * maxKnownPaths {
		k.put(key(i), m, now.Add(time.Duration(i)))
		if i%2 == 0 {
			k.put(key(0), m, now.Add(time.Duration(i)))
		}
	}
	if len(k) != maxKnownPaths {
		t.Errorf("%d paths are known", len(k))
	}
	for i, want := range map[int]bool{0: true, 1: false, maxKnownPaths: false, maxKnownPaths + 2: true, 2*maxKnownPaths - 1: true} {
		if _, ok := k.get(key(i), now); ok != want {
			t.Errorf("path %d is known: %v, want %v", i, ok, want)
		}
	}
	k.put(key(0), arq.NewModel(1000, 50*time.Millisecond, 1), now) // of a fetch that was short
	if _, ok := k.get(key(0), now); !ok {
		t.Error("a fetch that found out nothing had the path forgotten")
	}
}

// TestTwoFetchesDoNotBothResume: what is known of a path was found by one that had it
// for itself.
func TestTwoFetchesDoNotBothResume(t *testing.T) {
	p := newPaths(Limits{})
	key := func(fetch uint64, client byte) pathKey {
		return pathKey{client: secure.PublicKey{client}, fetch: fetch}
	}
	p.known[key(0, 1).ends()] = knownPath{arq.KnownPath{RateBytesPerSec: 1e8, MinRTT: 50 * time.Millisecond}, time.Now()}
	first := p.join(key(0, 9), 50*time.Millisecond, 50*time.Millisecond).Window()
	a := p.join(key(1, 1), 50*time.Millisecond, 50*time.Millisecond)
	if a.Window() <= first {
		t.Errorf("the first of two fetches begins with %d bytes", a.Window())
	}
	if b := p.join(key(2, 1), 50*time.Millisecond, 50*time.Millisecond); b.Window() != first {
		t.Errorf("the second begins with %d bytes, want %d", b.Window(), first)
	}
}
