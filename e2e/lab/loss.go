package main

import "math/rand/v2"

// loss decides which packets are lost: each by itself, or, where the mean run
// of losses is longer than one packet, by the two states of Gilbert and
// Elliott, of which the bad one loses everything.
type loss struct {
	share float64
	burst float64
	bad   bool
}

// next reports whether the next packet is lost.
//
// A run in the bad state is left with probability 1/burst per packet, so it is
// burst packets long in the mean. For a stationary share p of bad packets the
// good state is left with probability p / ((1-p) burst).
func (l *loss) next(rng *rand.Rand) bool {
	if l.share == 0 {
		return false
	}
	if l.burst <= 1 || l.share == 1 {
		return rng.Float64() < l.share
	}
	if l.bad {
		l.bad = rng.Float64() >= 1/l.burst
	} else {
		l.bad = rng.Float64() < l.share/((1-l.share)*l.burst)
	}
	return l.bad
}
