package peer

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
)

// storyLink is 100 Mbit/s of Ethernet packets with a round trip of 20 ms.
var storyLink = netsim.Link{Rate: 12_500_000, Delay: 10 * time.Millisecond, MTU: 1500}

// storyRate is how many file bytes a storyLink carries in a second: of each
// packet what is neither header nor tag.
const storyRate = 12_500_000.0 * (1500 - netsim.HeaderBytes - segmentOverhead) / 1500

// ideal is how long size bytes take when n links carry them all the time.
func ideal(size int64, n int) time.Duration {
	return time.Duration(float64(size) / (float64(n) * storyRate) * float64(time.Second))
}

func within(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	if took > limit {
		t.Errorf("%s: took %v, limit %v", what, took, limit)
	}
}

// givenBy returns how many bytes of the file came from the i-th peer.
func givenBy(f *Fetch, i int) int64 { return f.Snapshot().Peers[i].Bytes }

// TestAllServersGiveTheirShare is what the stories below are measured against.
func TestAllServersGiveTheirShare(t *testing.T) {
	heavy(t)
	const size = 64 << 20
	inWorld(t, 1, 3, size, storyLink, func(w *world) {
		f, took := w.fetch(w.options())
		within(t, "three servers", took, ideal(size, 3)*115/100)
		for i := range w.servers {
			if got := givenBy(f, i); got < size/4 {
				t.Errorf("server %d gave %d bytes of %d", i, got, size)
			}
		}
	})
}

// TestAKilledServerIsReplaced: its ranges go to the others at once, and it
// costs no more than what it would have carried.
func TestAKilledServerIsReplaced(t *testing.T) {
	heavy(t)
	const size = 64 << 20
	inWorld(t, 1, 3, size, storyLink, func(w *world) {
		var died atomic.Pointer[time.Time]
		w.after(700*time.Millisecond, func() {
			now := time.Now()
			died.Store(&now)
			w.servers[1].host.Down()
		})
		o := w.options()
		var noticed atomic.Int64 // how long after the death
		o.OnStart = func(f *Fetch) {
			w.watch(func() bool {
				if at := died.Load(); at != nil && f.Snapshot().Peers[1].State == Silent {
					noticed.Store(int64(time.Since(*at)))
				}
				return noticed.Load() == 0
			})
		}
		f, took := w.fetch(o)
		if noticed.Load() == 0 {
			w.t.Fatal("the server's death was not noticed")
		}
		// Three probe timeouts of a round trip of 120 ms, the queue being full,
		// that was 20 ms when the session began.
		within(t, "noticing", time.Duration(noticed.Load()), time.Second)
		carried := float64(givenBy(f, 1))
		within(t, "the fetch", took, ideal(size-int64(carried), 2)*115/100)
	})
}

// TestASilentServerComesBack: it is silent for a second, then takes part again.
func TestASilentServerComesBack(t *testing.T) {
	heavy(t)
	const size = 128 << 20
	inWorld(t, 1, 3, size, storyLink, func(w *world) {
		o := w.options()
		var f *Fetch
		o.OnStart = func(started *Fetch) { f = started }
		var atCut, atHeal int64
		w.after(600*time.Millisecond, func() {
			atCut = givenBy(f, 1)
			w.net.Cut(w.client.Addr(), w.servers[1].host.Addr())
		})
		w.after(1600*time.Millisecond, func() {
			atHeal = givenBy(f, 1)
			w.net.Heal(w.client.Addr(), w.servers[1].host.Addr())
		})
		_, took := w.fetch(o)
		after := givenBy(f, 1) - atHeal
		if atCut == 0 || after < 2*assign.PieceBytes {
			t.Errorf("it gave %d bytes before, %d after the silence", atCut, after)
		}
		// What three links carry, one of them not for the second of silence,
		// nor for the two that a probe may take to find that it is over.
		within(t, "the fetch", took, (ideal(size, 3)+time.Second)*115/100)
	})
}

// TestALongSilence: the client gives its session up, while the server keeps it;
// the new one takes up the speed of the old.
func TestALongSilence(t *testing.T) {
	heavy(t)
	const size = 96 << 20
	inWorld(t, 1, 1, size, storyLink, func(w *world) {
		w.after(time.Second, func() { w.net.Cut(w.client.Addr(), w.servers[0].host.Addr()) })
		w.after(6*time.Second, func() { w.net.Heal(w.client.Addr(), w.servers[0].host.Addr()) })
		_, took := w.fetch(w.options())
		// A new handshake is tried every lastRepeat.
		within(t, "the fetch", took, (ideal(size, 1)+5*time.Second+lastRepeat)*115/100)
	})
}

// TestARestartedServerIsRejoined: the process is killed and started again.
func TestARestartedServerIsRejoined(t *testing.T) {
	heavy(t)
	const size = 160 << 20
	inWorld(t, 1, 2, size, storyLink, func(w *world) {
		o := w.options()
		var f *Fetch
		o.OnStart = func(started *Fetch) { f = started }
		var before int64
		w.after(600*time.Millisecond, func() {
			w.kill(w.servers[1])
			before = givenBy(f, 1)
			w.serve(w.servers[1])
		})
		_, took := w.fetch(o)
		if before == 0 || givenBy(f, 1)-before < size/8 {
			t.Errorf("it gave %d bytes before the restart and %d in all", before, givenBy(f, 1))
		}
		if got := f.Snapshot().Peers[1].Sessions; got != 0 {
			t.Errorf("%d sessions after the end", got)
		}
		within(t, "the fetch", took, 11*time.Second)
	})
}

// TestARestartedServerGetsAllItsSessions: a peer that is alone and is started
// again gets as many sessions as before.
func TestARestartedServerGetsAllItsSessions(t *testing.T) {
	heavy(t)
	const size = 96 << 20
	inWorld(t, 1, 1, size, storyLink, func(w *world) {
		o := w.options()
		o.Sessions = 4
		var f *Fetch
		o.OnStart = func(started *Fetch) { f = started }
		before, after := 0, 0
		w.after(time.Second, func() {
			before = f.Snapshot().Peers[0].Sessions
			w.halt(w.servers[0])
			w.serve(w.servers[0])
		})
		w.after(4*time.Second, func() { after = f.Snapshot().Peers[0].Sessions })
		w.fetch(o)
		if before != 4 || after != 4 {
			t.Errorf("%d sessions before the restart, %d after; want 4", before, after)
		}
	})
}

func TestALateServerTakesPart(t *testing.T) {
	heavy(t)
	const size = 96 << 20
	inWorld(t, 1, 2, size, storyLink, func(w *world) {
		w.halt(w.servers[1])
		w.after(900*time.Millisecond, func() { w.serve(w.servers[1]) })
		f, took := w.fetch(w.options())
		if givenBy(f, 1) < size/4 {
			t.Errorf("it gave %d bytes of %d", givenBy(f, 1), size)
		}
		within(t, "the fetch", took, (ideal(size, 2)+900*time.Millisecond)*125/100)
	})
}

// TestADownServerCostsNothing: one that never answers is not waited for.
func TestADownServerCostsNothing(t *testing.T) {
	heavy(t)
	const size = 32 << 20
	var alone, beside time.Duration
	inWorld(t, 1, 2, size, storyLink, func(w *world) { _, alone = w.fetch(w.options()) })
	inWorld(t, 1, 3, size, storyLink, func(w *world) {
		w.servers[2].host.Down()
		o := w.options()
		o.Sessions = 2
		_, beside = w.fetch(o)
	})
	within(t, "beside a dead server", beside, alone*105/100)
	if beside < alone*95/100 {
		t.Errorf("%v alone, %v beside a dead server", alone, beside)
	}
}

// TestGoodbye: a server that is stopped says so, and the client does not wait
// to find out.
func TestGoodbye(t *testing.T) {
	heavy(t)
	const size = 64 << 20
	inWorld(t, 1, 2, size, storyLink, func(w *world) {
		o := w.options()
		var f *Fetch
		o.OnStart = func(started *Fetch) { f = started }
		var state State
		w.after(500*time.Millisecond, func() {
			w.halt(w.servers[1])
			time.Sleep(2*storyLink.Delay + 110*time.Millisecond) // a round trip, and the queue
			state = f.Snapshot().Peers[1].State
		})
		_, took := w.fetch(o)
		if state != Down {
			t.Errorf("a round trip after the goodbye the peer is %q", state)
		}
		within(t, "the fetch", took, ideal(size-givenBy(f, 1), 1)*115/100)
	})
}

// TestNoServerAnswers: the fetch gives up after the timeout and says who did
// not answer.
func TestNoServerAnswers(t *testing.T) {
	for name, die := range map[string]time.Duration{"from the start": 0, "in the middle": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 3, 64<<20, storyLink, func(w *world) {
				w.after(die, func() {
					for _, s := range w.servers {
						s.host.Down()
					}
				})
				err, took := w.refuse(w.options(), ErrNoPeers)
				if least := die + defaultTimeout - time.Second; took < least || took > least+3*time.Second {
					t.Errorf("gave up after %v", took)
				}
				for _, s := range w.servers {
					if !strings.Contains(err.Error(), s.addr.String()) {
						t.Errorf("%v does not name %v", err, s.addr)
					}
				}
			})
		})
	}
}
