package peer

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// strangerLink is a path on which a round trip takes 20 ms.
var strangerLink = netsim.Link{Rate: 12_500_000, Queue: 8 << 20, Delay: 10 * time.Millisecond}

// written watches what is written from an address, by kind.
type written struct {
	mu    sync.Mutex
	kinds map[proto.Kind]int
	each  func(to netip.AddrPort, b []byte) // nil for none
}

func (w *world) written(from netip.AddrPort) *written {
	x := &written{kinds: map[proto.Kind]int{}}
	w.net.Tap(func(_ time.Time, f, to netip.AddrPort, b []byte) {
		if f != from {
			return
		}
		x.mu.Lock()
		x.kinds[proto.KindOf(b)]++
		each := x.each
		x.mu.Unlock()
		if each != nil {
			each(to, b)
		}
	})
	return x
}

func (x *written) count(k proto.Kind) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.kinds[k]
}

func (x *written) total() (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.kinds {
		n += c
	}
	return n
}

// flood injects Hellos at a rate per second, from as many addresses, until the
// returned function is called, which says how many there were.
func (w *world) flood(to netip.AddrPort, perSec, addresses int) (stop func() int) {
	next := hellos(w.t)
	done, sum := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-time.After(10 * time.Millisecond):
			case <-done:
				sum <- n
				return
			}
			for range perSec / 100 {
				a := netip.AddrFrom4([4]byte{172, 16, byte(n % addresses >> 8), byte(n % addresses)})
				w.net.Inject(netip.AddrPortFrom(a, uint16(1+n/addresses%60000)), to, next().Append(nil))
				n++
			}
		}
	}()
	return func() int {
		close(done)
		return <-sum
	}
}

// TestAnHonestClientGetsInDuringAFlood: 10,000 Hellos a second from 1,000
// addresses that prove nothing.
func TestAnHonestClientGetsInDuringAFlood(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 1, 1<<20, strangerLink, func(w *world) {
		server := w.servers[0].addr
		sent := w.written(server)
		stop := w.flood(server, 10_000, 1000)
		time.Sleep(2 * time.Second)
		if sent.count(proto.KindRetry) == 0 {
			t.Fatal("the flood is too small for cookies to be asked for")
		}
		_, took := w.fetch(w.options())
		n := stop()
		t.Logf("took %v; %d Hellos, %d HelloReplies, %d Retries", took, n, sent.count(proto.KindHelloReply), sent.count(proto.KindRetry))
		if took > 3*time.Second {
			t.Errorf("the honest client took %v", took)
		}
		if n < 20_000 || sent.count(proto.KindHelloReply) > freeHalfOpen+freeHellos+3*freeHellosPerSec {
			t.Errorf("%d Hellos were answered by %d HelloReplies", n, sent.count(proto.KindHelloReply))
		}
	})
}

// TestAnHonestClientGetsInBesideBots: 50 hosts that send as much, and do answer a
// Retry, take up all that there is for strangers.
func TestAnHonestClientGetsInBesideBots(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 1, 1<<20, strangerLink, func(w *world) {
		server := w.servers[0].addr
		sent := w.written(server)
		noise := caller(t, nil).hello.Noise
		sent.each = func(to netip.AddrPort, b []byte) {
			if r, err := proto.ParseRetry(b); err == nil && to.Addr() != w.client.Addr() {
				h := proto.Hello{Version: proto.Version, ID: r.ID, Cookie: r.Cookie, Noise: noise}
				w.net.Inject(to, server, h.Append(nil))
			}
		}
		stop := w.flood(server, 2000, 50)
		time.Sleep(3 * time.Second)
		_, took := w.fetch(w.options())
		n := stop()
		t.Logf("took %v; %d Hellos, %d HelloReplies, %d Retries", took, n, sent.count(proto.KindHelloReply), sent.count(proto.KindRetry))
		if took > 3*time.Second {
			t.Errorf("the honest client took %v", took)
		}
		if got := sent.count(proto.KindHelloReply); got < maxHalfOpen {
			t.Errorf("%d HelloReplies: the table was never full", got)
		}
	})
}

// A client that is asked for a cookie needs a round trip more, and no more.
func TestARetryCostsARoundTrip(t *testing.T) {
	took := map[bool]time.Duration{}
	for _, loaded := range []bool{false, true} {
		inWorld(t, 1, 1, 100, strangerLink, func(w *world) {
			server := w.servers[0].addr
			sent := w.written(server)
			if loaded {
				next := hellos(t)
				for i := range freeHalfOpen {
					w.net.Inject(v4(1<<16+i), server, next().Append(nil))
					time.Sleep(time.Millisecond) // more at once than the socket's buffer holds
				}
			}
			_, took[loaded] = w.fetch(w.options())
			if got := sent.count(proto.KindRetry); got != map[bool]int{true: 1}[loaded] {
				t.Errorf("loaded %v: %d Retries", loaded, got)
			}
		})
	}
	if more := took[true] - took[false]; more < 20*time.Millisecond || more > 25*time.Millisecond {
		t.Errorf("%v with a Retry, %v without: want a round trip of 20 ms more", took[true], took[false])
	}
}

// TestForgedRetriesAreAnsweredAFewTimes: whoever sees a Hello can forge Retries to
// it without end.
func TestForgedRetriesAreAnsweredAFewTimes(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, strangerLink, func(w *world) {
		w.kill(w.servers[0])
		var mu sync.Mutex
		sent, forged := 0, 0
		w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
			h, err := proto.ParseHello(b)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			sent++
			for range 100 {
				forged++
				r := proto.Retry{ID: h.ID, Cookie: binary.BigEndian.AppendUint32(nil, uint32(forged))}
				w.net.Inject(to, from, r.Append(nil))
			}
		})
		ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
		defer cancel()
		_, _ = Run(ctx, w.options())
		mu.Lock()
		n := sent
		mu.Unlock()
		// At 0, 0.25, 0.375, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6 and 8 s, and so often at once.
		if n == 0 || n > 12+maxRetries {
			t.Errorf("%d Hellos in 9 s, for %d forged Retries", n, forged)
		}
		w.serve(w.servers[0])
		w.net.Tap(nil)
		w.fetch(w.options())
	})
}

// TestAServerWithAPSKSaysNothingToStrangers: nothing at all, whatever they send.
func TestAServerWithAPSKSaysNothingToStrangers(t *testing.T) {
	ours := testPSK(t, 1)
	theirs := testPSK(t, 2)
	inWorld(t, 1, 1, 100, strangerLink, func(w *world) {
		s := w.servers[0]
		w.restart(s, func(o *ServeOptions) { o.PSK = ours })
		sent := w.written(s.addr)
		o := w.options()
		o.Timeout = 13 * time.Second
		for name, psk := range map[string]*secure.PSK{"none": nil, "another": theirs} {
			o.Peers[0].PSK = psk
			err, _ := w.refuse(o, ErrNoPeers)
			if !strings.Contains(err.Error(), "no answer") {
				t.Errorf("%s: %v", name, err)
			}
		}
		future := caller(t, nil).hello
		future.Version = 99
		w.net.Inject(v4(1), s.addr, future.Append(nil))
		for kind := range 256 {
			b := make([]byte, 1200)
			b[0] = byte(kind)
			w.net.Inject(v4(1), s.addr, b)
		}
		next := hellos(t)
		for i := range 2 * freeHalfOpen { // load, which would have cookies asked for
			w.net.Inject(v4(i), s.addr, next().Append(nil))
		}
		time.Sleep(20 * time.Second)
		if n := sent.total(); n != 0 {
			t.Errorf("%d datagrams to strangers: %v", n, sent.kinds)
		}
		o.Peers[0].PSK = ours
		w.fetch(o)
		if sent.count(proto.KindServerSealed) == 0 {
			t.Error("nothing was seen of what a friend gets: would anything have been of what a stranger gets?")
		}
	})
}

func TestAClientWithAPSKAndAServerWithoutOne(t *testing.T) {
	psk := testPSK(t, 1)
	inWorld(t, 1, 1, 100, strangerLink, func(w *world) {
		o := w.options()
		o.Timeout = 13 * time.Second
		o.Peers[0].PSK = psk
		err, _ := w.refuse(o, ErrNoPeers)
		if !strings.Contains(err.Error(), "does the server have this psk_file?") {
			t.Error(err)
		}
	})
}

func TestOnlyAllowedKeysAreServed(t *testing.T) {
	inWorld(t, 1, 2, 1<<20, strangerLink, func(w *world) {
		friend, _ := secure.NewIdentity(nil)
		stranger, _ := secure.NewIdentity(nil)
		s := w.servers[0]
		w.restart(s, func(o *ServeOptions) { o.Allow = []secure.PublicKey{friend.PublicKey()} })
		sent := w.written(s.addr)
		o := w.options()
		o.Identity = stranger
		both := o.Peers
		o.Peers = both[:1]
		err, took := w.refuse(o, ErrRefused)
		if want := "refused: ask the server's admin to allow " + stranger.PublicKey().String(); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
		if took > time.Second {
			t.Errorf("took %v", took)
		}
		if n := sent.count(proto.KindServerSealed); n != 1 {
			t.Errorf("%d sealed datagrams to a stranger, want one Close", n)
		}
		o.Peers = both
		f, _ := w.fetch(o) // from the other one
		if p := f.Snapshot().Peers[0]; p.Bytes != 0 || p.State != Out {
			t.Errorf("the server that refuses: %+v", p)
		}
		o.Identity, o.Peers = friend, both[:1]
		o.Out = filepath.Join(w.dir, "friend.bin")
		w.fetch(o)
	})
}

func TestAnEmptyListServesNobody(t *testing.T) {
	o := ServeOptions{Root: ".", Allow: []secure.PublicKey{}}
	if err := o.validate(); err == nil || !strings.Contains(err.Error(), "nobody is allowed") {
		t.Errorf("error %v", err)
	}
}

// TestManySessionsFromOneHost: three fetches with the most sessions each.
func TestManySessionsFromOneHost(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 1, 4<<20, netsim.Link{Rate: 4_000_000, Queue: 16 << 20, Delay: 20 * time.Millisecond, MTU: 1500}, func(w *world) {
		var fetches sync.WaitGroup
		most := make(chan int, 3)
		for i := range 3 {
			o := w.options()
			o.Out = filepath.Join(w.dir, fmt.Sprint("out", i))
			o.Sessions = MaxSessions
			o.OnStart = func(f *Fetch) {
				top := 0
				w.watch(func() bool {
					f.mu.Lock()
					defer f.mu.Unlock()
					top = max(top, len(f.sessions))
					if f.over {
						most <- top
					}
					return !f.over
				})
			}
			fetches.Go(func() {
				if _, err := Run(context.Background(), o); err != nil {
					t.Error(err)
				}
			})
		}
		fetches.Wait()
		for range 3 {
			if n := <-most; n < MaxSessions {
				t.Errorf("a fetch had %d sessions at once, want %d", n, MaxSessions)
			}
		}
	})
}

func TestQuota(t *testing.T) {
	q := newQuota()
	key := func(i int) secure.PublicKey { return secure.PublicKey{byte(i), byte(i >> 8), 1} }
	addr := func(i int) netip.Addr { return v4(i).Addr() }
	for i := range maxServedAddr {
		if c := q.take(addr(1), key(i)); c != nil {
			t.Fatalf("session %d of an address: %v", i, c)
		}
	}
	if c := q.take(addr(1), key(-1)); c == nil || c.Reason != "too many sessions from this address" {
		t.Errorf("beyond an address's share: %v", c)
	}
	for i := range maxServedKey {
		if c := q.take(addr(10+i), key(-1)); c != nil {
			t.Fatalf("session %d of a key: %v", i, c)
		}
	}
	if c := q.take(addr(9), key(-1)); c == nil || c.Reason != "too many sessions with this key" {
		t.Errorf("beyond a key's share: %v", c)
	}
	for i := q.total; i < maxServed; i++ {
		if c := q.take(addr(100_000+i), key(100_000+i)); c != nil {
			t.Fatalf("session %d: %v", i, c)
		}
	}
	if c := q.take(addr(9), key(9)); c == nil || c.Reason != "too many sessions" || c.Code != proto.CloseBusy {
		t.Errorf("beyond all: %v", c)
	}
	q.give(addr(1), key(0))
	if c := q.take(addr(1), key(0)); c != nil {
		t.Errorf("after one ended: %v", c)
	}
	for i := range maxServedAddr {
		q.give(addr(1), key(i))
	}
	if _, kept := q.byAddr[addr(1)]; kept {
		t.Error("an address without sessions is kept")
	}
}
