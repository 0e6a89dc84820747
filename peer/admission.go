package peer

import (
	"bytes"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// freeHalfOpen is how many handshakes may be half open until every further
	// Hello has to show a cookie: a fetch with the most sessions.
	freeHalfOpen = 256

	// freeHalfOpenAddr is the same for the Hellos of one address, so that nobody
	// fills the share of an address that is not its own (arbitrary: more sessions
	// than most fetches have).
	freeHalfOpenAddr = 64

	// freeHellosPerSec and freeHellos are the rate, and the burst, of Hellos that
	// are taken without a cookie. To answer one takes 0.1 to 0.5 ms of a core
	// (BenchmarkFirstMessage in internal/secure), so that this is a tenth of one at
	// most; the burst is a fetch with the most sessions.
	freeHellosPerSec = 200
	freeHellos       = 256

	// maxFinish is the longest Finish that is read: a request for the longest name
	// (proto.MaxName) and as much as the handshake and further requests take.
	maxFinish = 4608
)

// admission is where a server deals with strangers. What a Hello costs it is
// bounded before anything is known of who sent it: the reader spends one MAC, or
// with a pre-shared key one decryption, and keeps nothing that is not bounded. All
// that takes X25519 is done by a few workers, so that sessions go on meanwhile.
type admission struct {
	identity *secure.Identity
	psk      atomic.Pointer[secure.PSK]
	crashes  *crashes

	// begin takes a handshake that is done, and its third message's payload.
	begin func(now time.Time, conn udp.Conn, p *halfOpen, payload []byte)

	// arrived takes what was held until the session had begun.
	arrived func(id proto.SessionID, from netip.AddrPort, b []byte)

	hellos, finishes chan handshakeJob
	quit             chan struct{}
	workers          sync.WaitGroup
	counts           admissionCounts

	mu    sync.Mutex // never held while keys are computed
	jar   *cookieJar
	free  tokenBucket
	table *halfOpenTable
}

// admissionCounts counts what was not answered as it was hoped for.
type admissionCounts struct {
	retries   atomic.Uint64 // Hellos answered by a Retry
	strangers atomic.Uint64 // Hellos without the pre-shared key
	dropped   atomic.Uint64 // messages for which there was no room in a queue
	crowded   atomic.Uint64 // messages of an address that has its share
	spoiled   atomic.Uint64 // half-open handshakes whose client sent what only costs time
	evicted   atomic.Uint64 // half-open handshakes that made room for others
}

func (c *admissionCounts) fields() []zap.Field {
	return []zap.Field{
		zap.Uint64("retries", c.retries.Load()), zap.Uint64("strangers", c.strangers.Load()),
		zap.Uint64("dropped_handshakes", c.dropped.Load()), zap.Uint64("crowded", c.crowded.Load()),
		zap.Uint64("spoiled", c.spoiled.Load()), zap.Uint64("evicted", c.evicted.Load()),
	}
}

func newAdmission(now time.Time, identity *secure.Identity, psk *secure.PSK, crashes *crashes) *admission {
	a := &admission{
		identity: identity, crashes: crashes,
		hellos: make(chan handshakeJob, helloQueue), finishes: make(chan handshakeJob, finishQueue),
		quit: make(chan struct{}), arrived: func(proto.SessionID, netip.AddrPort, []byte) {},
		jar: newCookieJar(now), free: tokenBucket{perSec: freeHellosPerSec, most: freeHellos}, table: newHalfOpenTable(),
	}
	a.psk.Store(psk)
	return a
}

// hello decides about a Hello and returns what to answer at once, nil if nothing:
// the same bytes as before if it is a repeat, or a Retry, of which nothing is kept.
func (a *admission) hello(now time.Time, conn udp.Conn, from netip.AddrPort, h *proto.Hello) []byte {
	var hs *secure.Handshake
	psk := a.psk.Load()
	if psk != nil { // who does not have it learns nothing, not even that anybody is here
		if hs = a.open(h.ID, psk, h.Noise); hs == nil {
			a.counts.strangers.Add(1)
			return nil
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.table.expire(now)
	key := keyOf(from, h)
	if p := a.table.find(key); p != nil {
		return p.reply
	}
	held, waiting := a.table.held(from)
	if proven := len(h.Cookie) > 0 && a.jar.valid(now, from, h.Cookie); !proven {
		if a.table.order.Len() >= freeHalfOpen || held >= freeHalfOpenAddr || !a.free.take(now) {
			a.counts.retries.Add(1)
			r := proto.Retry{ID: h.ID, Cookie: a.jar.make(now, from, nil)}
			return r.Append(nil)
		}
	}
	if crowds(waiting, a.hellos) {
		a.counts.crowded.Add(1)
		return nil
	}
	p, evicted := a.table.add(now, key)
	if evicted != nil {
		a.counts.evicted.Add(1)
	}
	if p == nil {
		a.counts.crowded.Add(1)
		return nil
	}
	p.handshake, p.psk = hs, psk
	if !a.queue(a.hellos, handshakeJob{now: now, conn: conn, p: p, noise: h.Noise}) {
		a.table.remove(p)
	}
	return nil
}

// crowds reports whether an address that has so many messages in a queue has its
// share: none has more of it than it leaves free, so that some stays free for others
// however many do their worst (Choudhury and Hahne, "Dynamic queue length thresholds
// for shared-memory packet switches", 1998).
func crowds(waiting int, in chan handshakeJob) bool {
	return waiting > 0 && waiting >= cap(in)-len(in)
}

// finish has a Finish read, if it is of a handshake that waits for one.
func (a *admission) finish(now time.Time, conn udp.Conn, from netip.AddrPort, f *proto.Finish) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.table.bySession[f.Session]
	if p == nil || p.addr != from || p.reply == nil || p.finishing {
		return
	}
	if crowds(p.load.finishing, a.finishes) {
		a.counts.crowded.Add(1)
		return
	}
	a.table.finish(p, a.queue(a.finishes, handshakeJob{now: now, conn: conn, p: p, noise: f.Noise, finish: true}))
}

// hold keeps a client's first sealed datagram, which follows its Finish at once,
// while that is being read: a KEM key that had to come again would cost the session
// three round trips. One of each handshake that is finishing, no longer than that:
// with the queue full that is 0.6 MiB. It reports whether it did.
func (a *admission) hold(id proto.SessionID, from netip.AddrPort, b []byte) bool {
	if len(b) != proto.SealedHeaderLen+1+proto.KEMKeyLen+secure.Overhead {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.table.bySession[id]
	if p == nil || p.addr != from || !p.finishing || p.ahead != nil {
		return false
	}
	p.ahead = bytes.Clone(b)
	return true
}
