package peer

import (
	"flag"
	"slices"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// matrixSeeds is how many times TestMatrix fetches over each path: a fault that one
// seed in fifty shows is no chance.
var matrixSeeds = flag.Int("matrix", 0, "fetch over each path of TestMatrix with so many seeds")

// TestMatrix fetches over many paths with many seeds, and says what share of the link
// each fetch had. `make matrix` runs it.
func TestMatrix(t *testing.T) {
	if *matrixSeeds == 0 {
		t.Skip("minutes of computing: see make matrix")
	}
	const (
		ms   = time.Millisecond
		mbit = 125000 // bytes per second
	)
	for _, tc := range []struct {
		name    string
		size    int
		servers int
		down    netsim.Link
		up      int64   // bytes per second of the way back, if it is another
		least   float64 // median of the shares of the links, at least
	}{
		{"clean", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms}, 0, 0.92},
		{"1 %", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.01}, 0, 0.90},
		{"5 %", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.05}, 0, 0.85},
		{"10 %", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.10}, 0, 0.78},
		{"20 %", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.20}, 0, 0.60},
		{"30 %", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.30}, 0, 0.50},
		{"bursts of 5", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.02, BurstLen: 5}, 0, 0.89},
		{"jitter of 10 ms", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Jitter: 10 * ms}, 0, 0.87},
		{"reordering", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Reorder: 0.05, ReorderBy: 10 * ms}, 0, 0.90},
		{"satellite", 64 << 20, 1, netsim.Link{Rate: 50 * mbit, Delay: 300 * ms}, 0, 0.72},
		{"satellite, 1 %", 64 << 20, 1, netsim.Link{Rate: 50 * mbit, Delay: 300 * ms, Loss: 0.01}, 0, 0.66},
		{"1 Mbit/s", 2 << 20, 1, netsim.Link{Rate: mbit, Delay: 25 * ms}, 0, 0.88},
		{"ADSL 16/1", 16 << 20, 1, netsim.Link{Rate: 16 * mbit, Delay: 15 * ms}, mbit, 0.90},
		{"cable 100/5", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 10 * ms}, 5 * mbit, 0.91},
		{"100/1", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms}, mbit, 0.86},
		{"queue of 16 KiB", 16 << 20, 1, netsim.Link{Rate: 20 * mbit, Delay: 20 * ms, Queue: 16 << 10}, 0, 0.91},
		{"queue of 1 s", 64 << 20, 1, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Queue: 100 * mbit}, 0, 0.92},
		{"1 Gbit/s, 5 ms", 256 << 20, 1, netsim.Link{Rate: 1000 * mbit, Delay: 2500 * time.Microsecond}, 0, 0.93},
		{"1 Gbit/s, 1 ms, 1 %", 128 << 20, 1, netsim.Link{Rate: 1000 * mbit, Delay: 500 * time.Microsecond, Loss: 0.01, Queue: 256 << 10}, 0, 0.74},
		{"1 MiB", 1 << 20, 1, netsim.Link{Rate: 20 * mbit, Delay: 15 * ms, Loss: 0.01}, 0, 0.74},
		{"1 MiB from three", 1 << 20, 3, netsim.Link{Rate: 20 * mbit, Delay: 15 * ms, Loss: 0.01}, 0, 0.42},
		{"three", 128 << 20, 3, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.01}, 0, 0.88},
	} {
		tc.down.MTU = 1500
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var shares []float64
			for seed := range uint64(*matrixSeeds) {
				inWorld(t, seed+1, tc.servers, tc.size, tc.down, func(w *world) {
					up := tc.down
					if up.Loss = 0; tc.up > 0 {
						up.Rate = tc.up
					}
					for _, s := range w.servers {
						w.net.SetLink(w.client.Addr(), s.addr.Addr(), up)
					}
					f, took := w.fetch(w.options())
					share := float64(tc.size) / took.Seconds() / float64(tc.down.Rate*int64(tc.servers))
					shares = append(shares, share)
					if over := came(f) - int64(tc.size); over > int64(tc.size)/50+1<<20 {
						t.Errorf("seed %d: %d bytes came twice", seed+1, over)
					}
				})
			}
			worst := slices.Index(shares, slices.Min(shares)) + 1
			slices.Sort(shares)
			median := shares[len(shares)/2]
			t.Logf("%s: %.3f of the link, %.3f to %.3f, the least with seed %d", tc.name, median, shares[0], shares[len(shares)-1], worst)
			if median < tc.least {
				t.Errorf("%.3f of the link, want %.2f", median, tc.least)
			}
		})
	}
}
