package relay

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// scene is a server that keeps what it gets, a relay before it and a client.
type scene struct {
	t              testing.TB
	server, client udp.Conn
	relay          *Relay
}

func newScene(t testing.TB, c Config) *scene {
	t.Helper()
	servers, err := udp.Listen("127.0.0.1:0", udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, server: servers[0]}
	t.Cleanup(func() { s.server.Close() })
	c.Target, c.Seed = s.server.LocalAddr(), testSeed
	if s.relay, err = Start(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.relay.Close(); err != nil {
			t.Error(err)
		}
	})
	s.client = s.dial()
	return s
}

func (s *scene) dial() udp.Conn {
	s.t.Helper()
	conn, err := udp.Dial(s.relay.Addr(), udp.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

const payloadBytes = 200

// payload returns datagram number i: its number, and then bytes that hang on
// it and on their place.
func payload(i int) []byte {
	p := make([]byte, payloadBytes)
	binary.BigEndian.PutUint32(p, uint32(i))
	hash := uint64(i) * 0x9e3779b97f4a7c15 // Knuth's multiplicative hash: all bits of i count
	for j := 4; j < len(p); j++ {
		p[j] = byte(hash>>(8*(j%8))) ^ byte(j)
	}
	return p
}

// send sends datagrams [from, to), and waits from time to time so that no
// buffer on the way overflows.
func (s *scene) send(conn udp.Conn, from, to int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		if err := conn.Write(payload(i), payloadBytes, netip.AddrPort{}); err != nil {
			s.t.Fatal(err)
		}
		if i%64 == 63 {
			before := i + 1 - from
			s.until(func(c Counters) bool { return c.Up.Sent >= uint64(before) })
		}
	}
}

// until polls the relay's counters.
func (s *scene) until(done func(Counters) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(s.relay.Counters()); {
		if time.Now().After(deadline) {
			s.t.Fatalf("seed %d: waited in vain with %+v", testSeed, s.relay.Counters())
		}
		runtime.Gosched()
	}
}

// settled reports whether nothing is under way: every datagram of c has its
// fate (see netsim.Counters).
func settled(c netsim.Counters, sent uint64) bool {
	return c.Sent == sent && c.Sent+c.Duplicated ==
		c.Delivered+c.Lost+c.QueueDropped+c.TooLong+c.Cut+c.Unreachable+c.BufferDropped
}

// arrival is a datagram and its sender.
type arrival struct {
	payload []byte
	from    netip.AddrPort
}

// receive returns the next n datagrams at conn.
func (s *scene) receive(conn udp.Conn, n int) []arrival {
	s.t.Helper()
	var got []arrival
	msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	for len(got) < n {
		if _, err := conn.Read(msgs); err != nil {
			s.t.Fatalf("after %d of %d datagrams: %v (seed %d, %+v)", len(got), n, err, testSeed, s.relay.Counters())
		}
		for buf := msgs[0].Buf[:msgs[0].N]; len(buf) > 0; {
			k := min(msgs[0].Segment, len(buf))
			got = append(got, arrival{append([]byte(nil), buf[:k]...), msgs[0].Addr})
			buf = buf[k:]
		}
	}
	return got
}

// upstream sends n datagrams and returns what arrived at the server once
// nothing is under way.
func (s *scene) upstream(n int) ([]arrival, netsim.Counters) {
	s.t.Helper()
	s.send(s.client, 0, n)
	s.until(func(c Counters) bool { return settled(c.Up, uint64(n)) })
	c := s.relay.Counters()
	if c.SocketDropped > 0 {
		s.t.Fatalf("the kernel dropped %d", c.SocketDropped)
	}
	return s.receive(s.server, int(c.Up.Delivered)), c.Up
}

// flipped returns how many bits of a datagram differ from those it was sent with.
func flipped(p []byte) (n int) {
	// Its number is damaged itself, with one bit in 50: find the nearest.
	n = 8 * payloadBytes
	number := binary.BigEndian.Uint32(p)
	for bit := -1; bit < 32; bit++ {
		candidate := number
		if bit >= 0 {
			candidate ^= 1 << bit
		}
		want, d := payload(int(candidate)), 0
		for j := range want {
			d += bits.OnesCount8(want[j] ^ p[j])
		}
		n = min(n, d)
	}
	return n
}
