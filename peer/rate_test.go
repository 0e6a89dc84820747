package peer

import (
	"os"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

func TestRates(t *testing.T) {
	ms := time.Millisecond
	mbit := 125000.0
	for _, tc := range []struct {
		name string
		size int
		n    int
		rate float64
		link netsim.Link
	}{
		{"clean", 128 << 20, 4, 100, netsim.Link{Delay: 25 * ms}},
		{"1%", 128 << 20, 4, 100, netsim.Link{Delay: 25 * ms, Loss: .01}},
		{"5%", 128 << 20, 4, 100, netsim.Link{Delay: 25 * ms, Loss: .05}},
		{"2%x5", 128 << 20, 4, 100, netsim.Link{Delay: 25 * ms, Loss: .02, BurstLen: 5}},
		{"300ms1%", 256 << 20, 4, 100, netsim.Link{Delay: 150 * ms, Loss: .01}},
		{"20Mq16k", 32 << 20, 4, 20, netsim.Link{Delay: 20 * ms, Queue: 16 << 10}},
		{"1sq", 128 << 20, 4, 100, netsim.Link{Delay: 25 * ms, Queue: 12500000}},
		{"500M", 512 << 20, 4, 500, netsim.Link{Delay: 10 * ms}},
	} {
		if f := os.Getenv("CASE"); f != "" && f != tc.name {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			tc.link.MTU = 1500
			tc.link.Rate = int64(tc.rate * mbit)
			inWorld(t, 1, 1, tc.size, tc.link, func(w *world) {
				o := w.options()
				o.Sessions = tc.n
				o.Limits.Congestion = os.Getenv("CC")
				f, took := w.fetch(o)
				s := f.Snapshot()
				t.Logf("%s: %.3f of the link, %v; sent again %.2f%% rtt %v refused? down %+v", tc.name,
					float64(tc.size)/took.Seconds()/float64(tc.link.Rate), took,
					100*float64(s.Peers[0].Repeated)/float64(s.Peers[0].Segments), s.Peers[0].RTT,
					w.net.LinkCounters(w.servers[0].addr.Addr(), w.client.Addr()))
			})
		})
	}
}
