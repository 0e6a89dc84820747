package peer

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// maxHalfOpen bounds the handshakes that wait to be answered or for their
	// third message: eight fetches with the most sessions that begin at once. Each
	// holds some 2 KiB.
	maxHalfOpen = 2048

	// maxHalfOpenAddr bounds those of one address: two such fetches. A Hello beyond
	// it is dropped, and comes again when others are done.
	maxHalfOpenAddr = 512

	// halfOpenTime is how long one waits: several of the longest round trips.
	halfOpenTime = 10 * time.Second

	// maxSpoiled is how many third messages of a handshake may cost a Diffie-Hellman
	// exchange and be none. The client itself can make them without end, others only
	// from one that they have seen and are faster than (arbitrary).
	maxSpoiled = 4
)

// halfOpen is a handshake whose Hello was taken and whose Finish is awaited.
type halfOpen struct {
	helloKey
	session proto.SessionID
	began   time.Time

	handshake *secure.Handshake
	psk       *secure.PSK // that it is made with
	reply     []byte      // nil until it is computed
	answered  time.Time   // first
	finishing bool        // its third message is being read, or waits for that
	spoiled   int         // third messages that were none
	ahead     []byte      // a datagram that came meanwhile
	gone      bool        // from the table

	load  *addressLoad
	place *list.Element // in order
}

// halfOpenTable holds the half-open handshakes. No address gets more of it than
// maxHalfOpenAddr, and when it is full, room is made at the cost of the address
// that holds most.
type halfOpenTable struct {
	byHello   map[helloKey]*halfOpen
	bySession map[proto.SessionID]*halfOpen
	byAddr    map[netip.Addr]*addressLoad
	order     list.List // of *halfOpen, oldest first

	// levels has the addresses by how many they hold, those first that have held
	// so many for longest; most is the last level that is not empty.
	levels [maxHalfOpenAddr + 1]list.List // of *addressLoad
	most   int
}

// helloKey names an attempt: its id is the client's word only. The message belongs
// to it: without a pre-shared key any is one, and a Hello that was damaged on its
// way, or forged, must not be answered in the place of the genuine one.
type helloKey struct {
	addr    netip.AddrPort
	hello   proto.HelloID
	message [sha256.Size]byte
}

func keyOf(from netip.AddrPort, h *proto.Hello) helloKey {
	return helloKey{from, h.ID, sha256.Sum256(h.Noise)}
}

// addressLoad is what one address holds of the table.
type addressLoad struct {
	addr      netip.Addr
	half      []*halfOpen // oldest first
	waiting   int         // of them for the first answer
	finishing int         // of them
	level     *list.Element
}

func newHalfOpenTable() *halfOpenTable {
	return &halfOpenTable{
		byHello: map[helloKey]*halfOpen{}, bySession: map[proto.SessionID]*halfOpen{}, byAddr: map[netip.Addr]*addressLoad{},
	}
}

// site returns what limits per address count: an IPv4 address, or the network of
// an IPv6 address that one subscriber has at least (RFC 6177, section 2).
func site(a netip.AddrPort) netip.Addr {
	addr := a.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		panic("BUG: an address of no family: " + a.String())
	}
	return p.Addr()
}

// find returns the handshake that a Hello began.
func (t *halfOpenTable) find(k helloKey) *halfOpen { return t.byHello[k] }

// held returns how many handshakes an address holds, and how many of those wait
// to be answered.
func (t *halfOpenTable) held(addr netip.AddrPort) (held, waiting int) {
	if l := t.byAddr[site(addr)]; l != nil {
		return len(l.half), l.waiting
	}
	return 0, 0
}

// add begins a handshake. It returns nil if there is no room for it, and what had
// to make room, if something had.
func (t *halfOpenTable) add(now time.Time, k helloKey) (p, evicted *halfOpen) {
	held, _ := t.held(k.addr)
	if held >= maxHalfOpenAddr {
		return nil, nil
	}
	if t.order.Len() >= maxHalfOpen {
		if held >= t.most {
			return nil, nil // nobody holds more than this address: it makes room itself, by waiting
		}
		evicted = t.levels[t.most].Front().Value.(*addressLoad).half[0]
		t.remove(evicted)
	}
	l := t.byAddr[site(k.addr)]
	if l == nil {
		l = &addressLoad{addr: site(k.addr)}
		t.byAddr[l.addr] = l
	}
	p = &halfOpen{helloKey: k, session: newSessionID(), began: now, load: l}
	t.byHello[k], t.bySession[p.session] = p, p
	p.place = t.order.PushBack(p)
	l.half = append(l.half, p)
	l.waiting++
	t.settle(l, held)
	return p, evicted
}

// answer notes the reply to a Hello.
func (t *halfOpenTable) answer(p *halfOpen, now time.Time, hs *secure.Handshake, reply []byte) {
	p.handshake, p.reply, p.answered = hs, reply, now
	p.load.waiting--
}

// finish notes whether the third message of a handshake is being read.
func (t *halfOpenTable) finish(p *halfOpen, reading bool) {
	if reading == p.finishing || p.gone {
		return
	}
	p.finishing = reading
	if reading {
		p.load.finishing++
	} else {
		p.load.finishing--
	}
}

// settle moves an address to the level of what it holds now; it held so many
// before, one more or one less.
func (t *halfOpenTable) settle(l *addressLoad, before int) {
	if l.level != nil {
		t.levels[before].Remove(l.level)
	}
	n := len(l.half)
	l.level = t.levels[n].PushBack(l)
	t.most = max(t.most, n)
	if t.most > 0 && t.levels[t.most].Len() == 0 {
		t.most--
	}
	if n == 0 {
		t.levels[0].Remove(l.level)
		delete(t.byAddr, l.addr)
	}
}

func (t *halfOpenTable) expire(now time.Time) {
	for e := t.order.Front(); e != nil; e = t.order.Front() {
		p := e.Value.(*halfOpen)
		if now.Sub(p.began) <= halfOpenTime {
			return
		}
		t.remove(p)
	}
}

func (t *halfOpenTable) remove(p *halfOpen) {
	if p.gone {
		return
	}
	p.gone = true
	delete(t.byHello, p.helloKey)
	delete(t.bySession, p.session)
	t.order.Remove(p.place)
	l := p.load
	if p.reply == nil {
		l.waiting--
	}
	if p.finishing {
		l.finishing--
	}
	i := slices.Index(l.half, p)
	l.half = slices.Delete(l.half, i, i+1)
	t.settle(l, len(l.half)+1)
}

func newSessionID() proto.SessionID {
	for {
		if id := proto.SessionID(random64() >> (64 - proto.SessionIDBits)); id != 0 {
			return id
		}
	}
}

func random64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
