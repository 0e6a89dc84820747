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
	"chunkcp/internal/udp"
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

// handshaking is a client and a server's table, up to the third message.
type handshaking struct {
	table *halfOpenTable
	h     *handshake
	now   time.Time
}

func newHandshaking(t *testing.T) *handshaking {
	t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandshake(nil, id)
	if err != nil {
		t.Fatal(err)
	}
	return &handshaking{newTable(t), h, time.Now()}
}

func (x *handshaking) reply(t *testing.T) []byte {
	t.Helper()
	hello, err := proto.ParseHello(x.h.hello)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(x.table.hello(x.now, here, &hello, 1))
}

// TestSpoiledHandshakesChangeNothing: the genuine message is taken after all that
// can be made of it.
func TestSpoiledHandshakesChangeNothing(t *testing.T) {
	t.Run("Hello", func(t *testing.T) {
		x := newHandshaking(t)
		first := x.reply(t)
		spoiled(x.h.hello, func(what string, b []byte) {
			if hello, err := proto.ParseHello(b); err == nil && hello.Version == proto.Version {
				if n := len(x.table.hello(x.now, here, &hello, 1)); n > len(b) {
					t.Errorf("%s: %d bytes for %d", what, n, len(b))
				}
			}
			if len(x.table.order) > maxHalfOpen {
				t.Fatalf("%d handshakes are half open", len(x.table.order))
			}
		})
		if len(first) == 0 || len(x.reply(t)) != len(first) {
			t.Error("the genuine one is not answered")
		}
	})
	t.Run("HelloReply", func(t *testing.T) {
		x := newHandshaking(t)
		genuine := x.reply(t)
		take := func(b []byte) []byte { return x.h.reply(messageOf(b)) }
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
		x := newHandshaking(t)
		payload := x.h.reply(messageOf(x.reply(t)))
		a, err := x.h.accept(payload, func(secure.PublicKey) error { return nil }, proto.Welcome{Session: 1, MaxDatagram: 1500}, nil)
		if err != nil {
			t.Fatal(err)
		}
		take := func(b []byte) bool {
			f, err := proto.ParseFinish(b)
			if err != nil {
				return false
			}
			p, _ := x.table.finish(here, &f)
			return p != nil
		}
		spoiled(a.finish, func(what string, b []byte) {
			if take(b) || len(x.table.order) != 1 {
				t.Fatalf("%s is taken", what)
			}
		})
		if !take(a.finish) {
			t.Error("the genuine one is not taken")
		}
		if take(a.finish) {
			t.Error("it is taken twice")
		}
	})
}

func messageOf(b []byte) *udp.Message { return &udp.Message{Buf: b, N: len(b), Segment: len(b)} }
