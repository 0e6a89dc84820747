package peer

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
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

// TestAnotherAddressIsAnotherPath: congestion control and the length of datagrams
// begin anew there, and stay as they are where only the port changes.
func TestAnotherAddressIsAnotherPath(t *testing.T) {
	for _, other := range []bool{false, true} {
		inWorld(t, 1, 1, 0, moveLink, func(w *world) {
			id, _ := secure.NewIdentity(nil)
			srv := &server{log: zap.NewNop(), buffers: newBurstBuffers(), paths: newPaths(Limits{})}
			key := pathKey{client: id.PublicKey(), fetch: 1, addr: here.Addr()}
			p := newPair()
			c := &serverSession{session: p.server, server: srv, path: srv.paths.join(key, 40*time.Millisecond, 40*time.Millisecond), log: zap.NewNop(), maxDatagram: 1472}
			c.addr, c.check = here, &pathCheck{}
			c.sender.Reroute(c.path, 40*time.Millisecond)
			c.mtu = arq.NewPathMTU(p.now, baseDatagram, c.maxDatagram, time.Second)
			c.mtu.Poll(p.now)
			c.mtu.Confirm(1472)
			c.sender.SetSegment(1472 - segmentOverhead)
			for range 20 {
				p.round(t)
			}
			if err := c.flush(p.now); err != nil || c.sender.Stats().InFlight == 0 {
				t.Fatal("nothing is in flight", err)
			}
			rate, path := c.sender.Stats().RateBytesPerSec, c.path
			to := netip.AddrPortFrom(here.Addr(), 9)
			if other {
				to = elsewhere
			}
			c.check.heard(p.now, to, 60, true)
			q, ok := c.check.poll(p.now, time.Second, random64)
			if !ok {
				t.Fatal("not asked")
			}
			c.check.answer(p.now.Add(30*time.Millisecond), to, proto.PathResponse(q))
			c.checkPath(p.now)
			st := c.sender.Stats()
			switch {
			case c.addr != to || c.check.proven || st.InFlight != 0:
				t.Errorf("at %v, proven %v, %d bytes in flight", c.addr, c.check.proven, st.InFlight)
			case !other && (c.path != path || c.mtu.Size() != 1472 || st.RateBytesPerSec != rate || len(srv.paths.byKey) != 1):
				t.Errorf("another port: another path, datagrams of %d bytes, rate %.0f, before %.0f", c.mtu.Size(), st.RateBytesPerSec, rate)
			case other && (c.path == path || c.path.key.addr != to.Addr() || c.mtu.Size() != baseDatagram || st.SmoothedRTT != 30*time.Millisecond || len(srv.paths.byKey) != 1):
				t.Errorf("another address: %+v, datagrams of %d bytes, %d paths", st, c.mtu.Size(), len(srv.paths.byKey))
			}
		})
	}
}

// TestALimitMovesWithTheClient: what it has asked for holds on its new path too.
func TestALimitMovesWithTheClient(t *testing.T) {
	link := moveLink
	link.Rate = 12_500_000
	const limit, size = 300_000, 6_000_000
	inWorld(t, 1, 1, size, link, func(w *world) {
		nw, o := &movingNetwork{simNetwork: simNetwork{w.client}}, w.options()
		o.Network, o.LimitRate = nw, limit
		w.after(2*time.Second, func() {
			nw.each(func(c udp.Conn) {
				to := netip.MustParseAddr("192.0.2.1")
				w.net.SetPath(to, w.servers[0].host.Addr(), link)
				w.client.Rehome(c, to)
			})
		})
		_, took := w.fetch(o)
		if part := size / took.Seconds() / limit; part > 1.05 {
			t.Errorf("%.2f of the limit", part)
		}
	})
}
