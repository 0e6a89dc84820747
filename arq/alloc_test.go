package arq

import (
	"fmt"
	"testing"
)

// TestNoAllocation: in the steady state neither side allocates, with and
// without loss.
func TestNoAllocation(t *testing.T) {
	for _, tc := range []struct{ channels, burst, drop int }{
		{1, 1, 0}, {50, 1, 0}, {500, 8, 0}, {50, 44, 0}, {MaxDataChannels, 1, 0},
		{50, 8, 7}, {500, 1, 50},
	} {
		t.Run(fmt.Sprintf("channels=%d,burst=%d,drop=%d", tc.channels, tc.burst, tc.drop), func(t *testing.T) {
			p := newPair(t, tc.channels, tc.burst, &Fixed{WindowBytes: 1 << 30})
			bursts := 3000
			if testing.Short() {
				bursts = 300
			}
			segments := max(bursts, 2*tc.channels) * tc.burst
			p.run(segments, tc.drop)
			n := testing.AllocsPerRun(3, func() { p.run(segments, tc.drop) })
			if n > 0 {
				t.Errorf("%v allocations for %d segments", n, segments)
			}
			if s := p.sender.Stats(); tc.drop > 0 && s.Lost == 0 || tc.drop == 0 && s.Repeated > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestNoAllocationUnderCubic: the same with congestion control.
func TestNoAllocationUnderCubic(t *testing.T) {
	p := newPair(t, MaxDataChannels, 0, NewCubic(simSegment))
	p.run(30000, 100)
	if n := testing.AllocsPerRun(3, func() { p.run(30000, 100) }); n > 0 {
		t.Errorf("%v allocations for 30,000 segments", n)
	}
}
