package peer

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// TestPathRates holds whole fetches to what their path carries, in virtual time.
// The figures are shares of the link's rate in file bytes; headers and sealing
// leave 0.946 of an Ethernet frame.
func TestPathRates(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of computing")
	}
	const (
		ms   = time.Millisecond
		mbit = 125000 // bytes per second
	)
	for _, tc := range []struct {
		name     string
		size     int
		link     netsim.Link
		least    float64 // share of the link
		repeated float64 // at most, share of the segments
	}{
		{"clean", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms}, 0.91, 0.01},
		{"1 % loss", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.01}, 0.89, 0.02},
		{"5 % loss", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.05}, 0.85, 0.06},
		{"loss in bursts", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.02, BurstLen: 5}, 0.88, 0.03},
		{"long", 256 << 20, netsim.Link{Rate: 100 * mbit, Delay: 150 * ms, Loss: 0.01}, 0.82, 0.03},
		{"short queue", 32 << 20, netsim.Link{Rate: 20 * mbit, Delay: 20 * ms, Queue: 16 << 10}, 0.90, 0.05},
		{"long queue", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Queue: 100 * mbit}, 0.90, 0.01},
		{"fast", 256 << 20, netsim.Link{Rate: 500 * mbit, Delay: 10 * ms}, 0.90, 0.01},
	} {
		tc.link.MTU = 1500
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, 1, 1, tc.size, tc.link, func(w *world) {
				f, took := w.fetch(w.options())
				p := f.Snapshot().Peers[0]
				share := float64(tc.size) / took.Seconds() / float64(tc.link.Rate)
				repeated := float64(p.Repeated) / float64(p.Segments)
				t.Logf("%.3f of the link, %.2f %% repeated, round trip %v", share, 100*repeated, p.RTT)
				if share < tc.least {
					t.Errorf("%.3f of the link, want %.2f", share, tc.least)
				}
				if repeated > tc.repeated {
					t.Errorf("%.3f of the segments were repeated, want at most %.2f", repeated, tc.repeated)
				}
				if counted := w.net.Counters(); tc.link.Loss > 0 && counted.Lost == 0 {
					t.Error("nothing was lost")
				}
			})
		})
	}
}
