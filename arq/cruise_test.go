package arq

import (
	"fmt"
	"testing"
	"time"
)

// TestWhatVariesIsNoQueue: round trips that vary by themselves, by a fifth and by two fifths of the
// least, leave little of the line unused. By the mean of a round they show a queue, and a session
// has 0.88 and 0.84.
func TestWhatVariesIsNoQueue(t *testing.T) {
	const runs = 10
	for _, sway := range []time.Duration{10 * ms, 20 * ms} {
		t.Run(fmt.Sprint(sway), func(t *testing.T) {
			var sum float64
			for seed := range uint64(runs) {
				b := newBottleneck(t, 100*mbit, 50*ms, 0)
				b.queue, b.seed, b.sway = 2*b.bdp(), seed, sway
				f := b.joinModel()
				b.run(2 * time.Second)
				sum += f.rateOver(10 * time.Second)
			}
			t.Logf("%.3f of the line", sum/runs)
			if sum/runs < 0.93 {
				t.Errorf("%.3f of the line", sum/runs)
			}
		})
	}
}

// TestAloneNothingIsYielded: acknowledgements that come unevenly make the rate of
// delivery look a little higher than it is, so that a queue grows between two probes.
// Who is alone on the line brings it down before he takes it for another's, and
// loses nothing of the line by it.
func TestAloneNothingIsYielded(t *testing.T) {
	for _, tc := range []struct {
		jitter time.Duration
		loss   float64
	}{{0, 0}, {2 * ms, 0}, {2 * ms, 0.01}, {4 * ms, 0}} {
		t.Run(fmt.Sprint(tc.jitter, tc.loss), func(t *testing.T) {
			b := newBottleneck(t, 100*mbit, 50*ms, 0)
			b.queue, b.jitter, b.loss = 2*b.bdp(), tc.jitter, tc.loss
			f := b.joinModel()
			b.run(2 * time.Second)
			f.meanRTT()
			lowest := 1.0
			b.every(10*ms, func() {
				if m := f.model; m.phase == phaseCruise {
					lowest = min(lowest, m.rate()/b.rate)
				}
			})
			used := f.rateOver(20 * time.Second)
			t.Logf("%.3f of the line, never below %.2f, mean round trip %v", used, lowest, f.meanRTT())
			if used < (1-tc.loss)*0.99 || lowest < 0.85 {
				t.Errorf("%.3f of the line, down to %.2f", used, lowest)
			}
		})
	}
}
