package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/netsim"
)

// rates is what a whole fetch showed.
type rates struct {
	share    float64       // of the link's rate, in file bytes
	repeated float64       // share of the segments
	needless float64       // share of the segments that had arrived before
	rtt      time.Duration // mean of the server's samples
}

// measure runs a fetch over one link, with a trace of what the server sends.
func measure(t *testing.T, size int, link netsim.Link) (r rates, counted netsim.Counters) {
	t.Helper()
	inWorld(t, 1, 1, size, link, func(w *world) {
		var out bytes.Buffer
		tr := NewTrace(&out)
		end := w.traced(w.servers[0], tr)
		f, took := w.fetch(w.options())
		end()
		if err := tr.Flush(); err != nil {
			t.Fatal(err)
		}
		var first, all, samples int
		var sum float64
		for lines := json.NewDecoder(&out); lines.More(); {
			var l traceLine
			if err := lines.Decode(&l); err != nil {
				t.Fatal(err)
			}
			switch {
			case l.Kind == arq.EventSent:
				first += l.Segments
				all += l.Segments
			case l.Kind == arq.EventRepeated:
				all += l.Segments
			case l.RTT > 0:
				sum += l.RTT
				samples++
			}
		}
		r.rtt = time.Duration(sum / float64(samples) * float64(time.Second))
		r.share = float64(size) / took.Seconds() / float64(link.Rate)
		p := f.Snapshot().Peers[0]
		r.repeated = float64(all-first) / float64(all)
		// Each segment arrives in the end; what arrived more than that had come before.
		r.needless = max(0, float64(p.Segments)-float64(first)) / float64(all)
		counted = w.net.Counters()
	})
	return r, counted
}

// traced starts a server anew, with a trace, and returns what ends it.
func (w *world) traced(s *simServer, tr *Trace) (end func()) {
	w.halt(s)
	ctx, stop := context.WithCancel(context.Background())
	listens, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- Serve(ctx, ServeOptions{
			Root: s.root, Listen: s.addr.String(), Identity: s.id, Network: simNetwork{s.host}, Trace: tr,
			OnListen: func(netip.AddrPort) { close(listens) },
		})
	}()
	<-listens
	return func() {
		stop()
		if err := <-done; err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestPathRates holds whole fetches to what their path carries, in virtual time.
// The figures are shares of the link's rate in file bytes; headers and sealing
// leave 0.955 of an Ethernet frame.
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
		least    float64       // share of the link
		repeated float64       // at most, share of the segments
		rtt      time.Duration // at most, mean of the transfer
	}{
		{"clean", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms}, 0.92, 0.01, 75 * ms},
		{"1 % loss", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.01}, 0.91, 0.02, 75 * ms},
		{"5 % loss", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.05}, 0.86, 0.06, 75 * ms},
		{"loss in bursts", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Loss: 0.02, BurstLen: 5}, 0.88, 0.03, 75 * ms},
		{"long", 256 << 20, netsim.Link{Rate: 100 * mbit, Delay: 150 * ms, Loss: 0.01}, 0.84, 0.03, 450 * ms},
		{"short queue", 32 << 20, netsim.Link{Rate: 20 * mbit, Delay: 20 * ms, Queue: 16 << 10}, 0.90, 0.05, 60 * ms},
		{"long queue", 128 << 20, netsim.Link{Rate: 100 * mbit, Delay: 25 * ms, Queue: 100 * mbit}, 0.92, 0.01, 75 * ms},
		{"fast", 256 << 20, netsim.Link{Rate: 500 * mbit, Delay: 10 * ms}, 0.90, 0.01, 30 * ms},
	} {
		tc.link.MTU = 1500
		t.Run(tc.name, func(t *testing.T) {
			r, counted := measure(t, tc.size, tc.link)
			t.Logf("%.4f of the link, %.2f %% repeated, %.2f %% without need, mean round trip %v",
				r.share, 100*r.repeated, 100*r.needless, r.rtt)
			if r.share < tc.least {
				t.Errorf("%.3f of the link, want %.2f", r.share, tc.least)
			}
			if r.repeated > tc.repeated {
				t.Errorf("%.3f of the segments were repeated, want at most %.2f", r.repeated, tc.repeated)
			}
			if r.needless > 0.01 {
				t.Errorf("%.3f of the segments had arrived before", r.needless)
			}
			if r.rtt > tc.rtt {
				t.Errorf("mean round trip %v, want at most %v", r.rtt, tc.rtt)
			}
			if tc.link.Loss > 0 && counted.Lost == 0 {
				t.Error("nothing was lost")
			}
		})
	}
}

// TestShortFetchOverALongPath: what counts is how many round trips pass before the line is
// full. Two and a half are the handshake's and the last bytes' way. The median of five: what
// happens at once has no order, and it decides what is lost at the end.
func TestShortFetchOverALongPath(t *testing.T) {
	heavy(t)
	for _, tc := range []struct {
		size     int
		rtt      time.Duration
		sessions int
		most     float64 // round trips beside what the bytes take
	}{
		{8 << 20, 300 * time.Millisecond, 1, 4.5},
		{8 << 20, 200 * time.Millisecond, 1, 4.2},
		{2 << 20, 200 * time.Millisecond, 1, 4.4},
		{4 << 20, 200 * time.Millisecond, 4, 4.4}, // the first leaves the others nothing that it could have sooner
	} {
		link := netsim.Link{Rate: 12_500_000, Delay: tc.rtt / 2, MTU: 1500, Queue: 4 << 20}
		var trips []float64
		for seed := range uint64(5) {
			inWorld(t, seed+1, 1, tc.size, link, func(w *world) {
				o := w.options()
				o.Sessions = tc.sessions
				_, took := w.fetch(o)
				trips = append(trips, (took.Seconds()-float64(tc.size)/0.955/float64(link.Rate))/tc.rtt.Seconds())
			})
		}
		slices.Sort(trips)
		t.Logf("%d MiB, %v, %d sessions: %.1f round trips beside what the bytes take", tc.size>>20, tc.rtt, tc.sessions, trips)
		if trips[2] > tc.most {
			t.Errorf("%d MiB, %v: %.1f round trips, want at most %.1f", tc.size>>20, tc.rtt, trips[2], tc.most)
		}
	}
}
