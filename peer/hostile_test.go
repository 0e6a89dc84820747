package peer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// tapped is a datagram that was seen on the way.
type tapped struct {
	from, to netip.AddrPort
	datagram []byte
}

// meddle calls forge with each datagram on the way and injects what it returns,
// after a while: a copy that overtook what was sent with the original would be a
// reordering, which costs repeats.
func (w *world) meddle(forge func(d tapped) [][]byte) (injected func() int) {
	var mu sync.Mutex
	n := 0
	w.net.Tap(func(_ time.Time, from, to netip.AddrPort, datagram []byte) {
		mu.Lock()
		defer mu.Unlock()
		if len(datagram) > 1472 { // a probe that the path does not take
			return
		}
		for _, b := range forge(tapped{from, to, datagram}) {
			n++
			time.AfterFunc(time.Duration(1+n%50)*time.Millisecond, func() { w.net.Inject(from, to, b) })
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// undisturbed runs a fetch that must not notice anything. The path is clean, so
// that each segment comes once.
func (w *world) undisturbed() {
	w.t.Helper()
	var ended []func() []observer.LoggedEntry
	for _, s := range w.servers {
		ended = append(ended, w.logOf(s, "session ended"))
	}
	core, logs := observer.New(zap.InfoLevel)
	o := w.options()
	o.Log = zap.New(core)
	f, _ := w.fetch(o)
	var bytes int64
	for _, p := range f.Snapshot().Peers {
		bytes += p.Bytes
		if p.Repeated != 0 {
			w.t.Errorf("%d segments of %s came as repeats", p.Repeated, p.Addr)
		}
	}
	// What two servers fetch at the end, for one of them to be first, comes twice.
	if size := int64(len(w.content)); bytes < size || bytes > size+size/50 {
		w.t.Errorf("%d bytes counted, %d fetched", bytes, size)
	}
	for _, l := range logs.All() {
		if l.Message != "fetching" && l.Message != "agreed on" {
			w.t.Errorf("client: %s %v", l.Message, l.ContextMap())
		}
	}
	time.Sleep(time.Second)
	for i := range w.servers {
		if got := ended[i](); len(got) != 1 || got[0].ContextMap()["reason"] != "session closed by the peer: done" {
			w.t.Errorf("server %d: sessions that ended: %v", i, got)
		}
	}
}

// hostileLink loses nothing and never fills.
var hostileLink = netsim.Link{Rate: 12_500_000, Queue: 8 << 20, Delay: 5 * time.Millisecond, MTU: 1600}

func TestForgedDatagramsChangeNothing(t *testing.T) {
	for name, forge := range map[string]func(rng *rand.Rand, d tapped) []byte{
		"random": func(rng *rand.Rand, d tapped) []byte {
			b := make([]byte, 1+rng.IntN(1500))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			b[0] = d.datagram[0]
			return b
		},
		"cut short": func(rng *rand.Rand, d tapped) []byte {
			return d.datagram[:1+rng.IntN(len(d.datagram)-1)]
		},
		"longer": func(rng *rand.Rand, d tapped) []byte {
			return append(bytes.Clone(d.datagram), make([]byte, 1+rng.IntN(100))...)
		},
		"one bit changed": func(rng *rand.Rand, d tapped) []byte {
			b := bytes.Clone(d.datagram)
			if k := proto.KindOf(b); k == proto.KindHello {
				return nil // a valid Hello of another attempt, which is answered
			}
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			return b
		},
		"sent back": func(_ *rand.Rand, d tapped) []byte {
			d.datagram[0] ^= 1 // the kind of the other direction
			return d.datagram
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 2, 3<<20, hostileLink, func(w *world) {
				rng := rand.New(rand.NewPCG(1, 4))
				injected := w.meddle(func(d tapped) [][]byte {
					if b := forge(rng, d); b != nil {
						return [][]byte{b}
					}
					return nil
				})
				w.undisturbed()
				if injected() < 1000 {
					t.Errorf("only %d datagrams were forged", injected())
				}
			})
		})
	}
}

// TestReplayedDatagramsChangeNothing: each datagram comes three times.
func TestReplayedDatagramsChangeNothing(t *testing.T) {
	inWorld(t, 1, 2, 3<<20, hostileLink, func(w *world) {
		injected := w.meddle(func(d tapped) [][]byte { return [][]byte{d.datagram, d.datagram} })
		w.undisturbed()
		if injected() < 2000 {
			t.Errorf("only %d datagrams were replayed", injected())
		}
	})
}

// TestNoStrangerGetsMoreThanItSent asks a server many things from an address
// that never proves itself.
func TestNoStrangerGetsMoreThanItSent(t *testing.T) {
	inWorld(t, 1, 1, 100, netsim.Link{}, func(w *world) {
		server := w.servers[0].addr
		stranger := netip.MustParseAddrPort("10.9.9.9:1000")
		hello := newHello(w.t)
		future := bytes.Clone(hello)
		future[6] = 99 // the version
		var replies [][]byte
		var mu sync.Mutex
		w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
			mu.Lock()
			defer mu.Unlock()
			if from != server || to != stranger {
				t.Errorf("%v sent to %v", from, to)
			}
			replies = append(replies, b)
		})
		ask := func(b []byte) [][]byte {
			mu.Lock()
			replies = nil
			mu.Unlock()
			w.net.Inject(stranger, server, b)
			time.Sleep(20 * time.Second) // whatever is repeated or given up
			mu.Lock()
			defer mu.Unlock()
			return replies
		}
		for name, b := range map[string][]byte{"hello": hello, "hello of another version": future} {
			got := ask(b)
			if len(got) != 1 || len(got[0]) > len(b) {
				t.Errorf("%s: %d replies, for %d bytes", name, len(got), len(b))
			}
		}
		for kind := range 256 {
			b := make([]byte, 1200)
			b[0] = byte(kind)
			if got := ask(b); len(got) != 0 {
				t.Errorf("kind %#x: %d replies", kind, len(got))
			}
			if got := ask(b[:1]); len(got) != 0 {
				t.Errorf("kind %#x, one byte: %d replies", kind, len(got))
			}
		}
		if got := ask(hello[:1199]); len(got) != 0 {
			t.Errorf("a short hello: %d replies", len(got))
		}
	})
}

// newHello returns a Hello that a server answers.
func newHello(t *testing.T) []byte {
	t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandshake(nil, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h.hello.Append(nil)
}

// TestLittleMemory: a fetch whose sessions get next to no memory still ends.
func TestLittleMemory(t *testing.T) {
	heavy(t)
	for limit := 1; limit <= 4; limit++ {
		for _, loss := range []float64{0, 0.1} {
			t.Run(fmt.Sprintf("pieces=%d,loss=%v", limit, loss), func(t *testing.T) {
				link := storyLink
				link.Loss = loss
				inWorld(t, 1, 2, 12<<20, link, func(w *world) {
					o := w.options()
					o.Sessions = 6
					most := 0
					o.OnStart = func(f *Fetch) {
						f.pool.limit = limit
						w.watch(func() bool {
							f.mu.Lock()
							defer f.mu.Unlock()
							most = max(most, f.pool.lent)
							return true
						})
					}
					_, took := w.fetch(o)
					if took > time.Minute {
						t.Errorf("took %v", took)
					}
					if most > limit+o.Sessions {
						t.Errorf("%d pieces were held at once, the limit is %d", most, limit)
					}
				})
			})
		}
	}
}
