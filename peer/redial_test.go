package peer

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// roamingNetwork is a client's that loses its address: the sockets that it had are
// dead from then on, new ones are another host's.
type roamingNetwork struct {
	simNetwork
	mu    sync.Mutex
	lost  bool
	next  *netsim.Host
	dials int
}

func (n *roamingNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials++
	if n.lost {
		return n.next.Dial(raddr)
	}
	c, err := n.host.Dial(raddr)
	return &lostConn{Conn: c, network: n}, err
}

func (n *roamingNetwork) isLost() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

// lostConn is a socket of the address that is lost.
type lostConn struct {
	udp.Conn
	network *roamingNetwork
}

func (c *lostConn) Write(buf []byte, segment int, addr netip.AddrPort) error {
	if c.network.isLost() {
		return fmt.Errorf("udp: %w", syscall.ENETUNREACH)
	}
	return c.Conn.Write(buf, segment, addr)
}

// TestAClientWhoseAddressIsGoneTakesAnother: the session goes on over a new socket.
func TestAClientWhoseAddressIsGoneTakesAnother(t *testing.T) {
	heavy(t)
	const size = 10 << 20
	inWorld(t, 1, 1, size, moveLink, func(w *world) {
		s := w.servers[0]
		logs := w.logsOf(s)
		phases := w.countPhases()
		nw := &roamingNetwork{simNetwork: simNetwork{w.client}, next: w.net.Host(netip.MustParseAddr("192.0.2.77"))}
		w.net.SetPath(nw.next.Addr(), s.host.Addr(), moveLink)
		w.after(2*time.Second, func() {
			nw.mu.Lock()
			nw.lost = true
			nw.mu.Unlock()
			w.net.Cut(w.client.Addr(), s.host.Addr())
		})
		o := w.options()
		o.Network = nw
		_, took := w.fetch(o)
		t.Logf("took %v, with %d sockets", took, nw.dials)
		within(t, "the fetch", took, size*time.Second/1_180_000+2*time.Second)
		if n := logs.FilterMessage("client moved").Len(); n != 1 || phases.sessions() != 1 || nw.dials != 2 {
			t.Errorf("moved %d times, %d sessions, %d sockets", n, phases.sessions(), nw.dials)
		}
	})
}

// TestASocketIsKeptWhileItMayBeGood: a peer that is silent, or whose port is closed,
// is no reason for another.
func TestASocketIsKeptWhileItMayBeGood(t *testing.T) {
	dials := 0
	r, err := newRedialer(func() (udp.Conn, error) { dials++; return &wire{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		why    string
		silent bool
		err    error
		want   bool
	}{
		{"the peer speaks", false, syscall.ENETUNREACH, false},
		{"nothing failed", true, nil, false},
		{"the port is closed", true, fmt.Errorf("udp: %w", syscall.ECONNREFUSED), false},
		{"the address is gone", true, syscall.EADDRNOTAVAIL, true},
		{"it was a moment ago", true, syscall.EADDRNOTAVAIL, false},
	} {
		before := dials
		s := &clientSession{session: newPair().client, socket: r, silent: c.silent, redialed: now.Add(-redialGap)}
		if c.why == "it was a moment ago" {
			s.redialed = now.Add(-redialGap / 2)
		}
		s.unsent = c.err
		s.redial(now)
		if got := dials > before; got != c.want {
			t.Errorf("%s: another socket: %v", c.why, got)
		}
	}
	r.dial = func() (udp.Conn, error) { return nil, os.ErrPermission }
	if old := r.conn(); r.exchange() || r.conn() != old {
		t.Error("the old socket is gone, and there is no other")
	}
}
