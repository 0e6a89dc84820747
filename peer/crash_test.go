package peer

import (
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// faultyNetwork has sockets with a fault.
type faultyNetwork struct {
	simNetwork
	fault func(udp.Conn) udp.Conn
}

func (n faultyNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	c, err := n.simNetwork.Dial(raddr)
	return n.fault(c), err
}

func (n faultyNetwork) Listen(addr string) ([]udp.Conn, error) {
	conns, err := n.simNetwork.Listen(addr)
	for i := range conns {
		conns[i] = n.fault(conns[i])
	}
	return conns, err
}

// mined panics when it is to write a datagram of some kind, a few times.
type mined struct {
	udp.Conn
	kind proto.Kind
	left *atomic.Int64
}

func (m mined) Write(b []byte, segment int, addr netip.AddrPort) error {
	if proto.Kind(b[0]) == m.kind && m.left.Add(-1) >= 0 {
		panic("mined")
	}
	return m.Conn.Write(b, segment, addr)
}

// TestAPanicEndsOnlyWhatItIsIn: in the reader (Versions), in a worker
// (HelloReply), in a session of the server and in one of the client.
func TestAPanicEndsOnlyWhatItIsIn(t *testing.T) {
	for name, c := range map[string]struct {
		kind   proto.Kind
		client bool
	}{
		"reader": {proto.KindVersions, false}, "worker": {proto.KindHelloReply, false},
		"session of the server": {proto.KindServerSealed, false}, "session of the client": {proto.KindClientSealed, true},
		"handshake of the client": {proto.KindHello, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
				const panics = 3
				var left atomic.Int64
				left.Store(panics)
				fault := func(conn udp.Conn) udp.Conn { return mined{conn, c.kind, &left} }
				s := w.servers[0]
				core, logs := observer.New(zap.InfoLevel)
				s.log = zap.New(core)
				o := w.options()
				o.Log = s.log
				if c.client {
					o.Network = faultyNetwork{simNetwork{w.client}, fault}
				} else {
					w.restart(s, func(o *ServeOptions) { o.Network = faultyNetwork{simNetwork{s.host}, fault} })
				}
				if c.kind == proto.KindVersions {
					future := caller(t, nil).hello
					future.Version = 99
					for range panics {
						w.net.Inject(v4(1), s.addr, future.Append(nil))
					}
					time.Sleep(time.Second)
				}
				f, took := w.fetch(o)
				if took > 15*time.Second {
					t.Errorf("took %v", took)
				}
				if left.Load() > 0 {
					t.Fatalf("only %d panics", panics-left.Load())
				}
				w.halt(s)
				said := logs.FilterMessage("panic").All()
				if len(said) == 0 || len(said) > 1+int(took/sayInterval) {
					t.Fatalf("%d panics were logged, in %v", len(said), took)
				}
				if stack, _ := said[0].ContextMap()["stack"].(string); !strings.Contains(stack, "mined.Write") {
					t.Errorf("the stack does not show where it was: %s", stack)
				}
				if c.client {
					if n := f.crashes.count.Load(); n != panics {
						t.Errorf("%d panics counted, want %d", n, panics)
					}
				} else if n := logs.FilterMessage("stopped").All()[0].ContextMap()["panics"]; n != uint64(panics) {
					t.Errorf("%v panics counted, want %d", n, panics)
				}
			})
		})
	}
}

// TestOtherSessionsGoOnAfterAPanic: one of two sessions panics once.
func TestOtherSessionsGoOnAfterAPanic(t *testing.T) {
	inWorld(t, 1, 1, 8<<20, strangerLink, func(w *world) {
		var left atomic.Int64
		s := w.servers[0]
		ended := w.logOf(s, "session ended")
		w.restart(s, func(o *ServeOptions) {
			o.Network = faultyNetwork{simNetwork{s.host}, func(c udp.Conn) udp.Conn { return mined{c, proto.KindServerSealed, &left} }}
		})
		o := w.options()
		o.Sessions = 4
		w.after(400*time.Millisecond, func() { left.Store(1) })
		_, took := w.fetch(o)
		if left.Load() > 0 {
			t.Fatal("nothing panicked")
		}
		time.Sleep(time.Second)
		done := 0
		for _, l := range ended() {
			if l.ContextMap()["reason"] == "session closed by the peer: done" {
				done++
			}
		}
		if done < 3 || took > 10*time.Second {
			t.Errorf("%d sessions ended well, after %v", done, took)
		}
	})
}

// deafConn fails to read for a while, at once and every time.
type deafConn struct {
	udp.Conn
	until *atomic.Int64 // Unix nanoseconds
	reads *atomic.Int64
}

var errDeaf = errors.New("deaf")

func (d deafConn) Read(msgs []udp.Message) (int, error) {
	if time.Now().UnixNano() < d.until.Load() {
		d.reads.Add(1)
		return 0, errDeaf
	}
	return d.Conn.Read(msgs)
}

// TestNobodySpinsOnASocketThatFails: reads are rare after a few, and what works
// again is used again.
func TestNobodySpinsOnASocketThatFails(t *testing.T) {
	for _, side := range []string{"server", "client's handshake", "client's session"} {
		t.Run(side, func(t *testing.T) {
			inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
				var until, reads atomic.Int64
				fault := func(c udp.Conn) udp.Conn { return deafConn{c, &until, &reads} }
				s, o := w.servers[0], w.options()
				if side != "server" {
					o.Network = faultyNetwork{simNetwork{w.client}, fault}
				} else {
					w.restart(s, func(o *ServeOptions) { o.Network = faultyNetwork{simNetwork{s.host}, fault} })
				}
				deafen := func() { until.Store(time.Now().Add(5 * time.Second).UnixNano()) }
				if side == "client's session" {
					w.after(150*time.Millisecond, deafen) // of the 300 that it takes
				} else {
					deafen()
				}
				_, took := w.fetch(o)
				n := reads.Load()
				t.Logf("took %v, %d reads failed", took, n)
				// Pauses of 1, 2, 4 … 64 ms, then of 100 ms; and a client that begins anew
				// has a new socket.
				if n < patientReads || n > 3*(patientReads+7)+50 {
					t.Errorf("%d reads failed in 5 s", n)
				}
				if took > 12*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestAServerThatIsDeafForGoodEnds(t *testing.T) {
	inWorld(t, 1, 1, 100, strangerLink, func(w *world) {
		var until, reads atomic.Int64
		s := w.servers[0]
		w.restart(s, func(o *ServeOptions) {
			o.Network = faultyNetwork{simNetwork{s.host}, func(c udp.Conn) udp.Conn { return deafConn{c, &until, &reads} }}
		})
		began := time.Now()
		until.Store(began.Add(time.Hour).UnixNano())
		w.net.Inject(v4(1), s.addr, []byte{0}) // ends the read under way
		err := <-s.done
		s.done = nil
		if took := time.Since(began); !errors.Is(err, errDeaf) || took < deafTime || took > deafTime+time.Second {
			t.Errorf("ended with %v after %v", err, took)
		}
	})
}
