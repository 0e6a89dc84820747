package udp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// patience bounds every wait for a datagram that must come.
const patience = 5 * time.Second

// loopbacks are the addresses to test on: IPv6 is missing in some containers.
func loopbacks(t testing.TB) []string {
	all := []string{"127.0.0.1:0"}
	if c, err := net.ListenPacket("udp", "[::1]:0"); err == nil {
		c.Close()
		all = append(all, "[::1]:0")
	} else {
		t.Logf("without IPv6: %v", err)
	}
	return all
}

// listenOn returns one listening socket, closed when the test ends.
func listenOn(t testing.TB, addr string, opt Options) Conn {
	t.Helper()
	conns, err := Listen(addr, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conns[0].Close() })
	return conns[0]
}

// dial returns a socket connected to another, closed when the test ends.
func dial(t testing.TB, to Conn, opt Options) Conn {
	t.Helper()
	c, err := Dial(to.LocalAddr(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func messages(n int) []Message {
	msgs := make([]Message, n)
	for i := range msgs {
		msgs[i].Buf = make([]byte, MaxRead)
	}
	return msgs
}

// pattern returns n bytes, each of which tells its place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8*31 ^ i>>16*17)
	}
	return b
}

// cut returns buf as the datagrams that a write of it makes.
func cut(buf []byte, segment int) [][]byte {
	var all [][]byte
	for len(buf) > 0 {
		n := min(segment, len(buf))
		all, buf = append(all, buf[:n]), buf[n:]
	}
	return all
}

// receive reads n datagrams, and fails unless they come from the given sender.
func receive(t testing.TB, c Conn, n int, from netip.AddrPort) [][]byte {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	msgs := messages(4)
	var all [][]byte
	for len(all) < n {
		got, err := c.Read(msgs)
		if err != nil {
			t.Fatalf("after %d of %d datagrams: %v", len(all), n, err)
		}
		for _, m := range msgs[:got] {
			if m.Addr != from {
				t.Fatalf("sender is %v, want %v", m.Addr, from)
			}
			all = append(all, cut(bytes.Clone(m.Buf[:m.N]), max(1, m.Segment))...)
		}
	}
	return all
}

// silent fails if anything is left to read.
func silent(t testing.TB, c Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	msgs := messages(1)
	if _, err := c.Read(msgs); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("unclaimed: error %v, %d bytes from %v", err, msgs[0].N, msgs[0].Addr)
	}
}

func equal(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d datagrams, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("datagram %d: %d bytes %s, want %d bytes %s", i,
				len(got[i]), head(got[i]), len(want[i]), head(want[i]))
		}
	}
}

func head(b []byte) string { return fmt.Sprintf("% x...", b[:min(8, len(b))]) }
