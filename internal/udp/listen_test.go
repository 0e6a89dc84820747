package udp

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const sockets = 4

// shared returns several sockets on one port.
func shared(t *testing.T, addr string) []Conn {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux spreads senders over the sockets of a port")
	}
	conns, err := Listen(addr, Options{Sockets: sockets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	if len(conns) != sockets {
		t.Fatalf("%d sockets, want %d", len(conns), sockets)
	}
	for _, c := range conns {
		if c.LocalAddr() != conns[0].LocalAddr() {
			t.Fatalf("addresses %v and %v", c.LocalAddr(), conns[0].LocalAddr())
		}
	}
	return conns
}

func TestSocketsOfOnePortShareTheSenders(t *testing.T) {
	// By a hash of the addresses: with so many senders a socket is left out
	// once in 4 * 0.75^64, 1 of 25 million runs.
	const senders = 64
	for _, addr := range append(loopbacks(t), ":0") {
		conns := shared(t, addr)
		to := conns[0].LocalAddr()
		if to.Addr().IsUnspecified() {
			to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), to.Port())
		}
		for range senders {
			c, err := Dial(to, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Write(pattern(500), 100, netip.AddrPort{}); err != nil {
				t.Fatal(err)
			}
		}
		total := uint64(0)
		msgs := messages(8)
		for i, c := range conns {
			c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			for {
				if _, err := c.Read(msgs); errors.Is(err, os.ErrDeadlineExceeded) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			got := c.Stats().ReadDatagrams
			if got == 0 {
				t.Errorf("%s: socket %d got nothing", addr, i)
			}
			total += got
		}
		if total != senders*5 {
			t.Errorf("%s: %d datagrams, want %d", addr, total, senders*5)
		}
	}
}

func TestAPortIsNotSharedWithAnotherListen(t *testing.T) {
	conns := shared(t, "127.0.0.1:0")
	for _, n := range []int{1, sockets} {
		if _, err := Listen(conns[0].LocalAddr().String(), Options{Sockets: n}); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%d sockets on a port in use: %v", n, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	bad := Options{Sockets: -1, ReadBuffer: -1, WriteBuffer: -1}
	for _, name := range []string{"Sockets", "ReadBuffer", "WriteBuffer"} {
		if err := bad.Validate(); !strings.Contains(err.Error(), name) {
			t.Errorf("%v: does not name %s", err, name)
		}
	}
	if _, err := Listen("127.0.0.1:0", bad); err == nil {
		t.Error("Listen takes what Validate refuses")
	}
	if _, err := Dial(netip.MustParseAddrPort("127.0.0.1:9"), bad); err == nil {
		t.Error("Dial takes what Validate refuses")
	}
}
