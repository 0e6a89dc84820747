package e2e

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// scenario is a fetch from two servers over bad links.
type scenario struct {
	name string
	link netsim.Link
	size int64 // MiB

	// happened counts, in one direction of one link, what the scenario is about:
	// it must have happened in both.
	happened func(netsim.Counters) uint64
	// repeats is the least share of segments that must have been sent again,
	// and most the greatest.
	least, most float64
	slow        bool // left out by -short
}

const (
	delay = 5 * time.Millisecond // of one way
	mtu   = 1500                 // loopback's would make the datagrams few
)

// The scenarios. What must have been sent again follows from the loss, and the
// most is generous: it is there to see a fetch that sends everything twice.
func scenarios() []scenario {
	lost := func(c netsim.Counters) uint64 { return c.Lost }
	return []scenario{
		{
			name: "clean", size: 16, link: netsim.Link{MTU: mtu, Delay: delay},
			happened: func(c netsim.Counters) uint64 { return c.Delivered }, most: 0.01,
		},
		{name: "loss 1%", size: 64, link: netsim.Link{MTU: mtu, Delay: delay, Loss: 0.01}, happened: lost, least: 0.005, most: 0.05},
		{name: "loss 5%", size: 16, link: netsim.Link{MTU: mtu, Delay: delay, Loss: 0.05}, happened: lost, least: 0.03, most: 0.15, slow: true},
		{name: "loss 20%", size: 16, link: netsim.Link{MTU: mtu, Delay: delay, Loss: 0.20}, happened: lost, least: 0.15, most: 0.40, slow: true},
		{
			name: "loss in bursts", size: 32, link: netsim.Link{MTU: mtu, Delay: delay, Loss: 0.06, BurstLen: 3},
			happened: lost, least: 0.03, most: 0.20, slow: true,
		},
		{
			name: "reordering", size: 16, link: netsim.Link{MTU: mtu, Delay: delay, Reorder: 0.05, ReorderBy: 4 * time.Millisecond},
			happened: func(c netsim.Counters) uint64 { return c.Reordered }, most: 0.20, slow: true,
		},
		{
			name: "duplication", size: 16, link: netsim.Link{MTU: mtu, Delay: delay, Duplicate: 0.10},
			happened: func(c netsim.Counters) uint64 { return c.Duplicated }, most: 0.05, slow: true,
		},
		{
			name: "corruption", size: 32, link: netsim.Link{MTU: mtu, Delay: delay, Corrupt: 0.03},
			happened: func(c netsim.Counters) uint64 { return c.Corrupted }, least: 0.01, most: 0.10,
		},
		{
			name: "everything", size: 32,
			link: netsim.Link{
				MTU: mtu, Delay: delay, Jitter: 3 * time.Millisecond, Loss: 0.03, BurstLen: 2, Duplicate: 0.03,
				Reorder: 0.05, ReorderBy: 4 * time.Millisecond, Corrupt: 0.02,
			},
			happened: func(c netsim.Counters) uint64 { return min(c.Lost, c.Duplicated, c.Reordered, c.Corrupted) },
			least:    0.02, most: 0.40,
		},
	}
}

func TestBadLinks(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			if s.slow && testing.Short() {
				t.Skip("takes seconds")
			}
			r := newRig(t, 2, s.size<<20, s.link)
			got := r.finish(r.fetch())
			var up, down uint64
			for _, l := range r.relays {
				c := l.Counters()
				up, down = up+s.happened(c.Up), down+s.happened(c.Down)
			}
			if up == 0 || down == 0 {
				t.Errorf("it happened %d times on the way to the servers, %d on the way back", up, down)
			}
			for _, p := range got.Peers {
				// Where much is lost a handshake may take as long as the fetch.
				late := s.link.Loss >= 0.05 && p.Bytes == 0
				if !late && (p.State != "live" || p.Bytes == 0 || p.Note != "") {
					t.Errorf("a peer had no part in it: %+v", p)
				}
			}
			segments, repeated := got.received()
			again := float64(repeated) / float64(segments)
			if again < s.least || again > s.most {
				t.Errorf("%d of %d segments were sent again: %.3f is not in [%v, %v]", repeated, segments, again, s.least, s.most)
			}
			t.Logf("%.1f s, %.1f%% sent again", got.Seconds, 100*again)
		})
	}
}
