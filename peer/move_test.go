package peer

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// movingNetwork is a client's, whose sockets can be given another address.
type movingNetwork struct {
	simNetwork
	mu    sync.Mutex
	conns []udp.Conn
}

func (n *movingNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	c, err := n.simNetwork.Dial(raddr)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return c, err
}

// each calls move with every socket.
func (n *movingNetwork) each(move func(c udp.Conn)) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		move(c)
	}
	return len(n.conns)
}

// moveLink is 10 Mbit/s with a round trip of 40 ms.
var moveLink = netsim.Link{Rate: 1_250_000, Delay: 20 * time.Millisecond, MTU: 1500}

// TestAMovingClientGoesOn: a client's port or address changes after a second and
// then every five; the fetch goes on with the session that it has.
func TestAMovingClientGoesOn(t *testing.T) {
	const size = 10 << 20
	for name, move := range map[string]func(w *world, i int, c udp.Conn){
		"port": func(w *world, _ int, c udp.Conn) { w.client.Rebind(c) },
		"address": func(w *world, i int, c udp.Conn) {
			to := netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", 1+i))
			w.net.SetPath(to, w.servers[0].host.Addr(), moveLink)
			w.client.Rehome(c, to)
		},
	} {
		t.Run(name, func(t *testing.T) {
			heavy(t)
			inWorld(t, 1, 1, size, moveLink, func(w *world) {
				logs := w.logsOf(w.servers[0])
				nw := &movingNetwork{simNetwork: simNetwork{w.client}}
				o := w.options()
				o.Network = nw
				moves := 0
				for _, at := range []time.Duration{time.Second, 6 * time.Second} {
					w.after(at, func() {
						nw.each(func(c udp.Conn) { move(w, moves, c) })
						moves++
					})
				}
				phases := w.countPhases()
				_, took := w.fetch(o)
				t.Logf("took %v with %d moves, %v without", took, moves, size*time.Second/1_180_000)
				if moves != 2 || phases.sessions() != 1 {
					t.Errorf("%d moves, %d sessions", moves, phases.sessions())
				}
				// Each move may cost what the client takes to notice the silence, and a start.
				within(t, "the fetch", took, size*time.Second/1_180_000+2*time.Second)
				time.Sleep(time.Second)
				if ended, moved := logs.FilterMessage("session ended").Len(), logs.FilterMessage("client moved").Len(); ended != 1 || moved != 2 {
					t.Errorf("%d sessions ended, a client moved %d times", ended, moved)
				}
			})
		})
	}
}
