package e2e

import (
	"sync"

	"chunkcp/e2e/relay"
	"chunkcp/proto"
)

// wire is what the tests learn of the datagrams that pass a relay. What is sealed
// stays so: only kinds, ids and phases can be read.
type wire struct {
	mu       sync.Mutex
	kinds    map[proto.Kind]int // of those that entered a link
	attempts map[proto.HelloID]bool
	cookies  int // Hellos with one
	sessions map[proto.SessionID]bool
	phases   map[phaseOf]uint8
	updates  map[proto.Kind]int // of phases, of one direction of all sessions

	reached     bool // a Finish has reached the server: the client's address is proven
	toServer    int  // bytes that had reached the server until then
	fromServer  int  // bytes that it had sent
	overAllowed bool // it had sent more than had reached it

	answered bool // a datagram of the client's in a phase after the first has reached the server
	second   int  // bytes that the server had sent in such phases until then

	down int64 // bytes that have left the link to the clients
}

// phaseOf names one direction of a session.
type phaseOf struct {
	session proto.SessionID
	kind    proto.Kind
}

func newWire() *wire {
	return &wire{
		kinds: map[proto.Kind]int{}, attempts: map[proto.HelloID]bool{}, sessions: map[proto.SessionID]bool{},
		phases: map[phaseOf]uint8{}, updates: map[proto.Kind]int{},
	}
}

// see is a relay's Watch.
func (w *wire) see(s relay.Sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case s.Up && s.Left:
		w.arrives(s.Datagram)
	case s.Left:
		w.down += int64(len(s.Datagram))
	default:
		w.departs(s.Up, s.Datagram)
	}
}

// departs takes note of what enters a link.
func (w *wire) departs(up bool, b []byte) {
	kind := proto.KindOf(b)
	w.kinds[kind]++
	if !up && !w.reached {
		w.fromServer += len(b)
		w.overAllowed = w.overAllowed || w.fromServer > w.toServer
	}
	if h, _, body, err := proto.ParseSealed(b); err == nil {
		if !up && h.Phase > 0 && !w.answered {
			w.second += len(body)
		}
		of := phaseOf{h.Session, h.Kind}
		if h.Phase == (w.phases[of]+1)%proto.Phases {
			w.phases[of] = h.Phase
			w.updates[h.Kind]++
		}
	}
	if h, err := proto.ParseHello(b); err == nil {
		w.attempts[h.ID] = true
		if len(h.Cookie) > 0 {
			w.cookies++
		}
	}
	if f, err := proto.ParseFinish(b); err == nil {
		w.sessions[f.Session] = true
	}
}

// arrives takes note of what reaches the server.
func (w *wire) arrives(b []byte) {
	if !w.reached {
		w.toServer += len(b)
		w.reached = proto.KindOf(b) == proto.KindFinish
	}
	if h, _, _, err := proto.ParseSealed(b); err == nil && h.Phase > 0 {
		w.answered = true
	}
}

// handshakes returns how many sessions clients wanted to begin.
func (w *wire) handshakes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sessions)
}

// of returns how many datagrams of a kind entered a link.
func (w *wire) of(k proto.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kinds[k]
}

// bytesDown returns how many bytes have left the link to the clients.
func (w *wire) bytesDown() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.down
}
