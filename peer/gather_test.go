package peer

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// countingNetwork counts the reads that bring datagrams.
type countingNetwork struct {
	simNetwork
	reads *atomic.Int64
}

type countingConn struct {
	udp.Conn
	reads *atomic.Int64
}

func (n countingNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	c, err := n.simNetwork.Dial(raddr)
	return countingConn{c, n.reads}, err
}

func (c countingConn) Read(msgs []udp.Message) (int, error) {
	n, err := c.Conn.Read(msgs)
	if n > 0 {
		c.reads.Add(1)
	}
	return n, err
}

// TestDatagramsGather on a path that brings several in a millisecond, and has a round
// trip in which that is little; else each is read when it comes.
func TestDatagramsGather(t *testing.T) {
	const mbit = 125_000
	for _, tc := range []struct {
		name        string
		size        int
		link        netsim.Link
		least, most float64 // segments in a read
	}{
		{"100 Mbit/s, 50 ms", 16 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * time.Millisecond, MTU: 1500}, 5, 9},
		{"10 Mbit/s, 50 ms", 2 << 20, netsim.Link{Rate: 10 * mbit, Delay: 25 * time.Millisecond, MTU: 1500}, 0.5, 1.1},
		{"100 Mbit/s, 6 ms", 16 << 20, netsim.Link{Rate: 100 * mbit, Delay: 3 * time.Millisecond, MTU: 1500}, 0.5, 1.1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, 1, 1, tc.size, tc.link, func(w *world) {
				var reads atomic.Int64
				o := w.options()
				o.Network = countingNetwork{simNetwork{w.client}, &reads}
				f, _ := w.fetch(o)
				per := float64(f.Snapshot().Peers[0].Segments) / float64(reads.Load())
				t.Logf("%.2f segments a read", per)
				if per < tc.least || per > tc.most {
					t.Errorf("%.2f segments a read, want %.1f to %.1f", per, tc.least, tc.most)
				}
			})
		})
	}
}
