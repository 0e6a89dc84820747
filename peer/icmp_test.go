package peer

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// erringNetwork is a client's, on whose path somebody forges ICMP errors: its
// sockets, which are connected, fail now and then for no reason.
type erringNetwork struct {
	simNetwork
	every  int64
	errors *atomic.Int64
}

func (n erringNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	c, err := n.simNetwork.Dial(raddr)
	return &erringConn{Conn: c, network: n}, err
}

type erringConn struct {
	udp.Conn
	network      erringNetwork
	reads, calls atomic.Int64
}

// Read fails before each every-th time that it has something.
func (c *erringConn) Read(msgs []udp.Message) (int, error) {
	if c.reads.Add(1)%c.network.every == 0 {
		c.network.errors.Add(1)
		return 0, fmt.Errorf("recvmmsg: %w", syscall.ECONNREFUSED)
	}
	return c.Conn.Read(msgs)
}

// Write sends nothing each every-th time, and says that the port is closed or that
// the datagram is too long, in turns.
func (c *erringConn) Write(buf []byte, segment int, addr netip.AddrPort) error {
	if n := c.calls.Add(1); n%c.network.every == 0 {
		c.network.errors.Add(1)
		if n/c.network.every%2 == 0 {
			return fmt.Errorf("udp: %w", syscall.ECONNREFUSED)
		}
		return fmt.Errorf("udp: %w: %w", udp.ErrTooLong, syscall.EMSGSIZE)
	}
	return c.Conn.Write(buf, segment, addr)
}

// TestForgedErrorsEndNothing: an error of a socket is anybody's word. The fetch goes
// on with the session that it has, at what the lost datagrams cost.
func TestForgedErrorsEndNothing(t *testing.T) {
	heavy(t)
	const size = 16 << 20
	for _, every := range []int64{50, 3} {
		inWorld(t, 1, 1, size, netsim.Link{Rate: 12_500_000, Delay: 5 * time.Millisecond, MTU: 1500}, func(w *world) {
			logs := w.logsOf(w.servers[0])
			phases := w.countPhases()
			var errors atomic.Int64
			o := w.options()
			o.Network = erringNetwork{simNetwork{w.client}, every, &errors}
			_, took := w.fetch(o)
			within(t, "the fetch", took, 2*ideal(size, 1)+time.Second)
			time.Sleep(10 * time.Second)
			if n := phases.sessions(); n != 1 || logs.FilterMessage("session ended").Len() > 1 || errors.Load() < 50 {
				t.Errorf("%d sessions, %d ended, %d errors", n, logs.FilterMessage("session ended").Len(), errors.Load())
			}
			t.Logf("took %v with %d errors", took, errors.Load())
		})
	}
}
