package peer

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// maxHalfOpen bounds the handshakes that wait for their third message. Each
	// holds some 2 KiB.
	maxHalfOpen = 1024

	// halfOpenTime is how long one waits: several of the longest round trips.
	halfOpenTime = 10 * time.Second
)

// halfOpen is a handshake that has been answered and waits for its Finish.
type halfOpen struct {
	hello     proto.HelloID
	session   proto.SessionID
	addr      netip.AddrPort
	handshake *secure.Handshake
	reply     []byte
	answered  time.Time // first
}

// halfOpenTable holds the half-open handshakes in the order of arrival.
type halfOpenTable struct {
	identity  *secure.Identity
	byHello   map[helloKey]*halfOpen
	bySession map[proto.SessionID]*halfOpen
	order     []*halfOpen
}

// helloKey names an attempt: its id is the client's word only.
type helloKey struct {
	addr  netip.AddrPort
	hello proto.HelloID
}

func newHalfOpenTable(identity *secure.Identity) *halfOpenTable {
	return &halfOpenTable{
		identity: identity,
		byHello:  map[helloKey]*halfOpen{}, bySession: map[proto.SessionID]*halfOpen{},
	}
}

// hello answers a Hello: with the same bytes if it is a repeat, with nil if it
// is no handshake message. The oldest is dropped when the table is full.
func (t *halfOpenTable) hello(now time.Time, addr netip.AddrPort, h *proto.Hello, credit uint32) []byte {
	t.expire(now)
	key := helloKey{addr, h.ID}
	if p := t.byHello[key]; p != nil {
		return p.reply
	}
	hs, err := secure.NewResponder(secure.HandshakeConfig{Identity: t.identity, Prologue: h.Prologue()})
	if err != nil {
		return nil
	}
	if _, err := hs.ReadMessage(nil, h.Noise); err != nil {
		return nil
	}
	p := &halfOpen{hello: h.ID, session: newSessionID(), addr: addr, handshake: hs, answered: now}
	w := proto.Welcome{Session: p.session, Credit: credit, MaxDatagram: maxClientDatagram}
	msg, err := hs.WriteMessage(nil, w.Append(nil))
	if err != nil {
		return nil
	}
	r := proto.HelloReply{Version: proto.Version, ID: h.ID, Noise: msg}
	p.reply = r.Append(nil)
	if len(t.order) >= maxHalfOpen {
		t.remove(t.order[0])
	}
	t.byHello[key], t.bySession[p.session] = p, p
	t.order = append(t.order, p)
	return p.reply
}

// finish completes a handshake and returns it with its third message's
// payload, nil if it is none of ours.
func (t *halfOpenTable) finish(addr netip.AddrPort, f *proto.Finish) (*halfOpen, []byte) {
	p := t.bySession[f.Session]
	if p == nil || p.addr != addr {
		return nil, nil
	}
	payload, err := p.handshake.ReadMessage(nil, f.Noise)
	if err != nil {
		return nil, nil // a forgery; the genuine one may still come
	}
	t.remove(p)
	return p, payload
}

func (t *halfOpenTable) expire(now time.Time) {
	for len(t.order) > 0 && now.Sub(t.order[0].answered) > halfOpenTime {
		t.remove(t.order[0])
	}
}

func (t *halfOpenTable) remove(p *halfOpen) {
	delete(t.byHello, helloKey{p.addr, p.hello})
	delete(t.bySession, p.session)
	for i, o := range t.order {
		if o == p {
			t.order = append(t.order[:i], t.order[i+1:]...)
			return
		}
	}
}

func newSessionID() proto.SessionID {
	for {
		if id := proto.SessionID(random64()); id != 0 {
			return id
		}
	}
}

func random64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
