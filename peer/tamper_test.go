package peer

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// spoiled calls try with b, each of its bytes changed in one bit and in all, each of
// its beginnings, and one byte more. What try gets is its own.
func spoiled(b []byte, try func(what string, b []byte)) {
	for i := range b {
		for _, bits := range []byte{1, 0x80, 0xff} {
			c := bytes.Clone(b)
			c[i] ^= bits
			try(fmt.Sprintf("byte %d changed by %#x", i, bits), c)
		}
	}
	for n := 1; n < len(b); n++ { // a socket hands on no datagram of no bytes
		try(fmt.Sprintf("the first %d bytes", n), bytes.Clone(b[:n]))
	}
	try("a byte more", append(bytes.Clone(b), 0))
}

// state is what of a session a datagram may change.
type state struct {
	heard                        time.Time
	datagrams, repeated, refused uint64
	mixed                        bool
	stats                        arq.Stats
	segments, repeats, highest   uint64
	got                          int64
	check                        pathCheck
	addr                         netip.AddrPort
	control                      int
	timeout, ackDue              time.Time
}

func (p *pair) stateOf(s *session) state {
	x := state{
		heard: s.heard, datagrams: s.datagrams, repeated: s.repeated, refused: s.refused, mixed: s.mixed, stats: s.sender.Stats(),
		highest: s.opener.Highest(), got: p.got.got, addr: s.addr, control: len(s.control.Bytes()), timeout: s.nextTimeout(),
		ackDue: s.receiver.NextTimeout(),
	}
	x.segments, x.repeats = s.receiver.Received()
	if s.check != nil {
		x.check = *s.check
	}
	return x
}

// TestSpoiledSealedDatagramsChangeNothing: whatever is done to a datagram of any
// kind, it changes nothing and is not answered; the genuine one is taken after it.
func TestSpoiledSealedDatagramsChangeNothing(t *testing.T) {
	segment := func(request proto.ID, payload string) frame {
		return &proto.Segment{Count: 2, Channel: proto.Channel(request), Burst: 1, Request: request, Payload: []byte(payload)}
	}
	ping := string((&proto.Ping{}).Append(nil))
	for name, c := range map[string]struct {
		f       frame
		size    int
		down    bool // from the server
		early   bool // in phase 0
		ends    bool // even the genuine one ends the session
		another bool // from another address
	}{
		"file segment":    {f: segment(7, "bytes of a file"), down: true},
		"control segment": {f: segment(proto.Control, ping)},
		"ack":             {f: &proto.Ack{Latest: 1, Credit: 5, Entries: []proto.Entry{{Complete: true, Burst: 0}}}, ends: true},
		"MTU probe":       {f: &proto.MTUProbe{Size: 300}, size: 300, down: true},
		"MTU reply":       {f: &proto.MTUReply{Size: 300}},
		"close":           {f: &proto.Close{Code: proto.CloseDone, Reason: "because"}, ends: true},
		"early close":     {f: &proto.Close{}, early: true, ends: true},
		"path challenge":  {f: &proto.PathChallenge{Data: proto.PathData{1}}, down: true},
		"path response":   {f: &proto.PathResponse{Data: proto.PathData{1}}, another: true},
		"KEM key":         {early: true},
		"KEM text":        {early: true, down: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair()
			if c.early {
				p = fresh(t)
			}
			p.server.check, p.server.addr, p.server.from = &pathCheck{}, here, here
			if c.another {
				p.server.from = elsewhere
			}
			from, to, w := p.client, p.server, &p.up
			if c.down {
				from, to, w = p.server, p.client, &p.down
			}
			switch {
			case name == "KEM key":
				c.f = &proto.KEMKey{Key: p.client.kem.Key()}
			case name == "KEM text":
				text, _, err := p.server.keys.Encapsulate(p.client.kem.Key())
				if err != nil {
					t.Fatal(err)
				}
				c.f = &proto.KEMText{Text: text}
			}
			if err := from.sendPadded(c.f, c.size); err != nil {
				t.Fatal(err)
			}
			genuine := bytes.Clone(w.run)
			p.up, p.down = wire{}, wire{}
			before := p.stateOf(to)
			later := p.now.Add(time.Second)
			spoiled(genuine, func(what string, b []byte) {
				if err := to.handle(later, b); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if after := p.stateOf(to); !reflect.DeepEqual(after, before) {
					t.Fatalf("%s: before\n%+v, after\n%+v", what, before, after)
				}
				if n := len(p.up.run) + len(p.down.run); n != 0 {
					t.Fatalf("%s: answered with %d bytes", what, n)
				}
			})
			if err := to.handle(later, bytes.Clone(genuine)); (err != nil) != c.ends {
				t.Fatalf("the genuine one: %v", err)
			}
			if to.datagrams != before.datagrams+1 || to.opener.Failed() == 0 {
				t.Errorf("%d datagrams taken, %d failed", to.datagrams-before.datagrams, to.opener.Failed())
			}
			after := p.stateOf(to)
			if err := to.handle(later.Add(time.Second), genuine); err != nil || !reflect.DeepEqual(p.stateOf(to), after) {
				t.Errorf("the same again: %v, before\n%+v, after\n%+v", err, after, p.stateOf(to))
			}
		})
	}
}

// shaking is a client before a door.
type shaking struct {
	*door
	h *handshake
}

func newShaking(t *testing.T) *shaking {
	t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandshake(nil, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &shaking{newDoor(t, nil), h}
}

// ask hands in a Hello and returns what is answered, at once or later.
func (x *shaking) ask(b []byte) []byte {
	hello, err := proto.ParseHello(b)
	if err != nil || hello.Version != proto.Version {
		return nil
	}
	if at := x.knock(here, &hello); at != nil {
		return at
	}
	return bytes.Join(x.work(1), nil)
}

// finishes hands in a Finish and reports whether it made a session.
func (x *shaking) finishes(b []byte) bool {
	before := x.begun
	if f, err := proto.ParseFinish(b); err == nil {
		x.finish(x.now, x.conn, here, &f)
		x.work(1)
	}
	return x.begun > before
}

// answered returns the client's third message, once the door has opened.
func (x *shaking) answered(t *testing.T) []byte {
	t.Helper()
	payload := x.h.reply(x.ask(x.h.hello.Append(nil)))
	a, err := x.h.accept(payload, func(secure.PublicKey) error { return nil }, proto.Welcome{Session: 1, MaxDatagram: 1500}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.finish
}

// TestSpoiledHandshakesChangeNothing: the genuine message is taken after all that
// can be made of it.
func TestSpoiledHandshakesChangeNothing(t *testing.T) {
	t.Run("Hello", func(t *testing.T) {
		x := newShaking(t)
		first := x.ask(x.h.hello.Append(nil))
		spoiled(x.h.hello.Append(nil), func(what string, b []byte) {
			if n := len(x.ask(b)); n > len(b) {
				t.Errorf("%s: %d bytes for %d", what, n, len(b))
			}
		})
		if len(first) == 0 || !bytes.Equal(x.ask(x.h.hello.Append(nil)), first) {
			t.Error("the genuine one is answered otherwise than before")
		}
	})
	t.Run("HelloReply", func(t *testing.T) {
		x := newShaking(t)
		genuine := x.ask(x.h.hello.Append(nil))
		take := func(b []byte) []byte { return x.h.reply(b) }
		spoiled(genuine, func(what string, b []byte) {
			if payload := take(b); payload != nil || len(x.h.versions) != 0 {
				t.Fatalf("%s is taken", what)
			}
		})
		if take(genuine) == nil {
			t.Error("the genuine one is not taken")
		}
	})
	t.Run("Finish", func(t *testing.T) {
		x := newShaking(t)
		genuine := x.answered(t)
		costly := 0
		spoiled(genuine, func(what string, b []byte) {
			if x.finishes(b) {
				t.Fatalf("%s is taken", what)
			}
			for _, p := range x.table.bySession { // each by itself: a few of these would be the end
				costly += p.spoiled
				p.spoiled = 0
			}
		})
		if costly < maxSpoiled {
			t.Errorf("%d of them took an exchange to find out", costly)
		}
		if !x.finishes(genuine) {
			t.Error("the genuine one is not taken")
		}
		if x.finishes(genuine) {
			t.Error("it is taken twice")
		}
	})
}

// TestAKeyIsHeldWhileItsFinishIsRead: one, of that length, from that address; and it
// is handed on only if the Finish was genuine.
func TestAKeyIsHeldWhileItsFinishIsRead(t *testing.T) {
	key := make([]byte, proto.SealedHeaderLen+1+proto.KEMKeyLen+secure.Overhead)
	for _, genuine := range []bool{true, false} {
		x := newShaking(t)
		var got [][]byte
		x.arrived = func(_ proto.SessionID, from netip.AddrPort, b []byte) {
			if x.begun != 1 || from != here {
				t.Errorf("arrived from %v, with %d sessions", from, x.begun)
			}
			got = append(got, b)
		}
		finish := x.answered(t)
		if !genuine {
			finish[len(finish)-1] ^= 1
		}
		f, err := proto.ParseFinish(finish)
		if err != nil {
			t.Fatal(err)
		}
		if x.hold(f.Session, here, key) {
			t.Error("held before the Finish")
		}
		x.finish(x.now, x.conn, here, &f)
		if x.hold(f.Session, elsewhere, key) || x.hold(f.Session+1, here, key) || x.hold(f.Session, here, key[1:]) {
			t.Error("held what is no key of this handshake")
		}
		if !x.hold(f.Session, here, key) || x.hold(f.Session, here, key) {
			t.Error("not held, or held twice")
		}
		x.work(1)
		if len(got) == 1 != genuine {
			t.Errorf("%d datagrams were handed on, genuine: %v", len(got), genuine)
		}
		if x.hold(f.Session, here, key) {
			t.Error("held after the Finish")
		}
	}
}
