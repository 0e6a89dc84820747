package peer

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// fresh is a pair of sessions whose keys are still to be mixed.
func fresh(t *testing.T) *pair {
	t.Helper()
	p := newPair()
	keys := newKeys()
	p.client.keyExchange, p.server.keyExchange = keyExchange{keys: keys}, keyExchange{keys: secure.Keys{Send: keys.Receive, Receive: keys.Send}}
	p.client.sealer, p.client.opener = secure.NewSealer(keys.Send, 0), secure.NewOpener(keys.Receive)
	p.server.sealer, p.server.opener = secure.NewSealer(keys.Receive, 0), secure.NewOpener(keys.Send)
	var err error
	if p.client.kem, err = secure.NewKEM(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNobodySkipsTheExchange: all but the exchange ends a session in phase 0, and
// the exchange does in any other.
func TestNobodySkipsTheExchange(t *testing.T) {
	frames := map[string]frame{
		"segment":        &proto.Segment{Count: 1, Request: 1, Payload: []byte{1}},
		"ack":            &proto.Ack{},
		"MTU probe":      &proto.MTUProbe{Size: 100},
		"MTU reply":      &proto.MTUReply{Size: 100},
		"path challenge": &proto.PathChallenge{},
		"path response":  &proto.PathResponse{},
	}
	for name, f := range frames {
		for side, pick := range map[string]func(p *pair) (from, to *session, w *wire){
			"server": func(p *pair) (*session, *session, *wire) { return p.server, p.client, &p.down },
			"client": func(p *pair) (*session, *session, *wire) { return p.client, p.server, &p.up },
		} {
			p := fresh(t)
			from, to, w := pick(p)
			if err := from.sendFrame(f); err != nil {
				t.Fatal(err)
			}
			if err := to.handle(p.now, w.run); !errors.Is(err, arq.ErrViolation) || !errors.Is(err, errSkipsExchange) {
				t.Errorf("%s from a %s in phase 0: %v", name, side, err)
			}
			if p.got.got != 0 {
				t.Errorf("a %s in phase 0 was taken", name)
			}
		}
	}
	late := newPair()
	if err := late.client.sendFrame(&proto.KEMKey{Key: make([]byte, proto.KEMKeyLen)}); err != nil {
		t.Fatal(err)
	}
	if err := late.server.handle(late.now, late.up.run); !errors.Is(err, errLateExchange) {
		t.Errorf("a KEM key in phase 1: %v", err)
	}
}

// TestNothingIsSentBeforeTheExchange: a server that has much to send, and a
// client that has something to acknowledge, wait.
func TestNothingIsSentBeforeTheExchange(t *testing.T) {
	p := fresh(t)
	for range 3 {
		p.round(t)
	}
	if len(p.down.run)+len(p.up.run) != 0 || p.got.got != 0 || !p.server.nextTimeout().IsZero() {
		t.Errorf("%d and %d bytes were sent, %d arrived", len(p.down.run), len(p.up.run), p.got.got)
	}
	if err := p.client.sendKEMKey(); err != nil {
		t.Fatal(err)
	}
	p.up.deliver(t, p.now, p.server)
	p.down.deliver(t, p.now, p.client)
	if !p.client.mixed || !p.server.mixed || p.client.kem != nil || p.client.keys != (secure.Keys{}) || p.server.keys != (secure.Keys{}) {
		t.Fatal("the exchange is not done, or its secrets are kept")
	}
	p.round(t)
	if p.got.got == 0 || p.server.answer != nil {
		t.Errorf("%d bytes arrived after it; the answer is kept: %v", p.got.got, p.server.answer != nil)
	}
}

// TestTheExchangeIsRepeated: the answer is lost, then comes twice; the first
// bytes overtake it.
func TestTheExchangeIsRepeated(t *testing.T) {
	p := fresh(t)
	ask := func() [][]byte {
		t.Helper()
		if err := p.client.sendKEMKey(); err != nil {
			t.Fatal(err)
		}
		p.up.deliver(t, p.now, p.server)
		var out [][]byte
		for i, x := range p.down.writes {
			end := len(p.down.run)
			if i+1 < len(p.down.writes) {
				end = p.down.writes[i+1][0]
			}
			out = append(out, append([]byte(nil), p.down.run[x[0]:end]...))
		}
		p.down.run, p.down.writes = nil, nil
		return out
	}
	first := ask()
	second := ask()
	if len(first) != 1 || len(second) != 1 || string(first[0]) != string(second[0]) {
		t.Fatalf("%d and %d answers, or other ones", len(first), len(second))
	}
	p.server.sender.Send(1, rangeset.Range{End: baseSegment})
	if err := p.server.flush(p.now); err != nil {
		t.Fatal(err)
	}
	early := append([]byte(nil), p.down.run...)
	for _, b := range [][]byte{early, first[0], second[0]} {
		if err := p.client.handle(p.now, append([]byte(nil), b...)); err != nil {
			t.Fatal(err)
		}
	}
	if p.got.got != 0 || !p.client.mixed {
		t.Fatalf("%d bytes taken before the keys, mixed %v", p.got.got, p.client.mixed)
	}
	if err := p.client.handle(p.now, early); err != nil || p.got.got != baseSegment {
		t.Fatalf("%d bytes once the keys are there, %v", p.got.got, err)
	}
}

// TestTheAnswerComesWithRepeats: it is lost once. What is sent under the keys of
// phase 1 was repeated alone, which the client could not open.
func TestTheAnswerComesWithRepeats(t *testing.T) {
	p := fresh(t)
	if err := p.client.sendKEMKey(); err != nil {
		t.Fatal(err)
	}
	p.up.deliver(t, p.now, p.server)
	p.server.sender.Send(1, rangeset.Range{End: baseSegment})
	if err := p.server.flush(p.now); err != nil {
		t.Fatal(err)
	}
	p.down.run, p.down.writes = p.down.run[:0], nil
	p.now = p.server.sender.NextTimeout()
	p.server.sender.HandleTimeout(p.now)
	if err := p.server.flush(p.now); err != nil {
		t.Fatal(err)
	}
	p.down.deliver(t, p.now, p.client)
	if !p.client.mixed || p.got.got != baseSegment {
		t.Errorf("mixed %v, %d bytes taken of a repeat", p.client.mixed, p.got.got)
	}
}

// TestAPingEndsTheServersBackoff: what a client has not acknowledged was repeated
// ever more seldom, though it said that it heard nothing.
func TestAPingEndsTheServersBackoff(t *testing.T) {
	h := newServerByHand(t, rootOf(t, baseSegment), &sink{}, &wire{})
	defer h.end(t)
	if err := h.control((&proto.Open{ID: 1, Name: "a"}).Append(nil)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := h.turn(); err != nil {
			t.Fatal(err)
		}
		h.now = h.sender.NextTimeout()
	}
	if err := h.turn(); err != nil {
		t.Fatal(err)
	}
	before := h.sender.NextTimeout().Sub(h.now)
	if err := h.control((&proto.Ping{}).Append(nil)); err != nil {
		t.Fatal(err)
	}
	after := h.sender.NextTimeout().Sub(h.now)
	if first := h.sender.ProbeTimeout(); after > first || before < 4*first {
		t.Errorf("the next probe is due in %v, and was in %v; a probe timeout is %v", after, before, first)
	}
}

// TestAFetchOverALossyHandshake: whatever is lost of the handshake and of the
// exchange, the fetch begins, and all that carries file bytes is of phase 1.
func TestAFetchOverALossyHandshake(t *testing.T) {
	for seed := range uint64(12) {
		link := netsim.Link{Rate: 12_500_000, Delay: 10 * time.Millisecond, Loss: 0.4, Duplicate: 0.3, Reorder: 0.5, ReorderBy: 5 * time.Millisecond}
		inWorld(t, seed, 1, 20_000, link, func(w *world) {
			var mu sync.Mutex
			phases := map[proto.Kind]map[uint8]int{proto.KindClientSealed: {}, proto.KindServerSealed: {}}
			w.net.Tap(func(_ time.Time, _, _ netip.AddrPort, b []byte) {
				if h, _, _, err := proto.ParseSealed(b); err == nil {
					mu.Lock()
					phases[h.Kind][h.Phase]++
					mu.Unlock()
				}
			})
			w.fetch(w.options())
			mu.Lock()
			defer mu.Unlock()
			for kind, n := range phases {
				if n[0] == 0 || n[1] == 0 || len(n) != 2 {
					t.Errorf("seed %d: datagrams of kind %#x by phase: %v", seed, kind, n)
				}
			}
			if kept := phases[proto.KindServerSealed][1] * baseSegment; kept < 20_000 {
				t.Errorf("seed %d: at most %d bytes in phase 1", seed, kept)
			}
		})
	}
}
