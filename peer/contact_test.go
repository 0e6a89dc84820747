package peer

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// forger sees what is sent to a server, and can answer in its name, with a key of its
// own; it keeps nothing from arriving.
type forger struct {
	*world
	id *secure.Identity

	mu     sync.Mutex
	most   int // Hellos that it answers
	forged int
	after  time.Duration // it answers this late
	spoil  bool          // its answers are none
	times  int           // each is answered so often
}

func (w *world) forge(s *simServer, most int) *forger {
	w.t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	x := &forger{world: w, id: id, most: most, times: 1}
	w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
		if to == s.addr && proto.KindOf(b) == proto.KindHello {
			x.saw(to, from, bytes.Clone(b))
		}
	})
	return x
}

func (x *forger) saw(server, client netip.AddrPort, hello []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.forged >= x.most {
		return
	}
	x.forged++
	for i := range x.times {
		answer := x.answer(hello)
		if x.spoil {
			answer[len(answer)-1] ^= 1
		}
		if x.after == 0 {
			x.net.Inject(server, client, answer)
		} else {
			// Not more at once than the client's socket holds.
			x.world.after(x.after+time.Duration(i)*100*time.Microsecond, func() { x.net.Inject(server, client, answer) })
		}
	}
}

func (x *forger) answer(hello []byte) []byte {
	h, err := proto.ParseHello(hello)
	if err != nil {
		x.t.Fatal(err)
	}
	hs, err := secure.NewResponder(secure.HandshakeConfig{Identity: x.id, Prologue: h.Prologue()})
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := hs.ReadMessage(nil, h.Noise); err != nil {
		x.t.Fatal(err)
	}
	w := proto.Welcome{Session: 99, Credit: serverCredit, MaxDatagram: maxClientDatagram}
	m, err := hs.WriteMessage(nil, w.Append(nil))
	if err != nil {
		x.t.Fatal(err)
	}
	r := proto.HelloReply{Version: proto.Version, ID: h.ID, Noise: m}
	return r.Append(nil)
}

// happened fails the test unless so many Hellos were answered.
func (x *forger) happened(want int) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.forged < want {
		x.t.Errorf("%d answers were forged, want %d", x.forged, want)
	}
}

// TestAForgedAnswerKeepsNobodyOut: the server's key is known, and somebody answers
// each Hello before the server does. It costs nothing.
func TestAForgedAnswerKeepsNobodyOut(t *testing.T) {
	for name, expect := range map[string]func(w *world, o *FetchOptions){
		"pinned": func(w *world, o *FetchOptions) {
			key := w.servers[0].id.PublicKey()
			o.Peers[0].Key = &key
		},
		"remembered": func(w *world, o *FetchOptions) { remember(w, o, w.servers[0].id.PublicKey()) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
				o := w.options()
				expect(w, &o)
				x := w.forge(w.servers[0], 9)
				_, took := w.fetch(o)
				x.happened(1)
				within(t, "the fetch", took, time.Second)
			})
		})
	}
}

// TestAForgedAnswerAtAReconnect: the server is started anew in the middle, and
// somebody answers the Hellos in its place for as long as it is away, and longer than
// they are waited for. The peer takes part again.
func TestAForgedAnswerAtAReconnect(t *testing.T) {
	heavy(t)
	link := netsim.Link{Rate: 1_250_000, Delay: 5 * time.Millisecond, MTU: 1500}
	for name, pinned := range map[string]bool{"pinned": true, "met in this fetch": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 20<<20, link, func(w *world) {
				s, o := w.servers[0], w.options()
				if pinned {
					key := s.id.PublicKey()
					o.Peers[0].Key = &key
				}
				var x *forger
				w.after(3*time.Second, func() {
					x = w.forge(s, 99)
					w.halt(s)
				})
				w.after(12*time.Second, func() { w.serve(s) })
				f, took := w.fetch(o)
				x.happened(4)
				if p := f.Snapshot().Peers[0]; p.State != Live || p.Bytes < 15<<20 {
					t.Errorf("the peer: %+v", p)
				}
				within(t, "the fetch", took, 45*time.Second)
			})
		})
	}
}

// knownPeers opens a new known_peers file for a fetch.
func (w *world) knownPeers(o *FetchOptions) *secure.KnownPeers {
	w.t.Helper()
	known, err := secure.OpenKnownPeers(filepath.Join(w.dir, "state", "known_peers"))
	if err != nil {
		w.t.Fatal(err)
	}
	o.Known = known
	return known
}

// TestAForgedAnswerIsNotRemembered: at first contact somebody answers, once, before
// the server does. Only who has proven to have a key is remembered.
func TestAForgedAnswerIsNotRemembered(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
		o := w.options()
		known := w.knownPeers(&o)
		x := w.forge(w.servers[0], 1)
		_, took := w.fetch(o)
		x.happened(1)
		if err := known.Check(o.Peers[0].Addr, w.servers[0].id.PublicKey()); err != nil {
			t.Errorf("the server's key: %v", err)
		}
		within(t, "the fetch", took, firstBackoff+time.Second)
	})
}

// TestTwoKeysAtFirstContact: whoever answers after the server has is seen as well.
// Nothing tells which of the two is the server, so nothing is remembered, and the
// fetch goes on with the one that has proven its key.
func TestTwoKeysAtFirstContact(t *testing.T) {
	for name, late := range map[string]time.Duration{"in the handshake": 2*storyLink.Delay + time.Millisecond, "later": time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 20<<20, storyLink, func(w *world) {
				o := w.options()
				known := w.knownPeers(&o)
				x := w.forge(w.servers[0], 1)
				x.after = late
				_, took := w.fetch(o)
				x.happened(1)
				if took < late+storyLink.Delay {
					t.Errorf("took %v only", took)
				}
				err := known.Check(o.Peers[0].Addr, w.servers[0].id.PublicKey())
				if forgotten := errors.Is(err, secure.ErrUnknownPeer); forgotten != (late >= time.Second) || err != nil && !forgotten {
					t.Errorf("the key: %v", err)
				}
			})
		})
	}
}

// TestAnswersToEveryHelloAtFirstContact: nobody is believed, and it is said why.
func TestAnswersToEveryHelloAtFirstContact(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
		o := w.options()
		o.Timeout = 5 * time.Second
		known := w.knownPeers(&o)
		x := w.forge(w.servers[0], 1000)
		err, _ := w.refuse(o, ErrNoPeers)
		x.happened(3)
		for _, want := range []string{errTwoKeys.Error(), x.id.String(), w.servers[0].id.String()} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q, want %q in it", err, want)
			}
		}
		if n := len(known.All()); n != 0 {
			t.Errorf("%d keys are remembered", n)
		}
	})
}

// TestAFloodOfAnswersAtFirstContact: what cannot be read costs a few
// Diffie-Hellman exchanges, and that the key is not remembered.
func TestAFloodOfAnswersAtFirstContact(t *testing.T) {
	for times, want := range map[int]error{maxAnswers / 2: nil, 2 * maxAnswers: secure.ErrUnknownPeer} {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			o := w.options()
			known := w.knownPeers(&o)
			x := w.forge(w.servers[0], 1)
			x.times, x.spoil, x.after = times, true, 2*storyLink.Delay+time.Millisecond
			w.fetch(o)
			x.happened(1)
			if err := known.Check(o.Peers[0].Addr, w.servers[0].id.PublicKey()); !errors.Is(err, want) {
				t.Errorf("%d answers: %v, want %v", times, err, want)
			}
		})
	}
}

// TestProbeOfAForgedAnswer: the list of servers shows the right key, if it is known.
func TestProbeOfAForgedAnswer(t *testing.T) {
	inWorld(t, 1, 1, 100, storyLink, func(w *world) {
		s := w.servers[0]
		key := s.id.PublicKey()
		x := w.forge(s, 1)
		a, err := Probe(context.Background(), Peer{Addr: s.addr.String(), Key: &key}, simNetwork{w.client})
		if err != nil || a.Key != key || !a.Understood() {
			t.Errorf("%+v, %v", a, err)
		}
		x.happened(1)
		other := x.id.PublicKey()
		a, err = Probe(context.Background(), Peer{Addr: s.addr.String(), Key: &other}, simNetwork{w.client})
		if err != nil || a.Key != key || len(a.Versions) == 0 {
			t.Errorf("a server with another key than it must have: %+v, %v", a, err)
		}
	})
}

// TestWhoIsOutStaysSo: a session that comes to its first sealed datagram after its
// peer has been found out by another one does not make the fetch forget why.
func TestWhoIsOutStaysSo(t *testing.T) {
	f := newLender(t, assign.PieceBytes)
	p := f.add(Peer{Addr: "a"})
	f.bench(p, ErrIntegrity)
	if err := f.met(p, nil, secure.PublicKey{1}); err != nil {
		t.Fatal(err)
	}
	if p.state != Out || !errors.Is(p.err, ErrIntegrity) {
		t.Errorf("%v: %v", p.state, p.err)
	}
}
