package arq

import (
	"math"
	"time"
)

// What a Model does about a queue between two probes, see steady. The numbers are
// those that lead to the shares of docs/decisions/0008, 0011 and 0013.
const (
	yield       = 0.87 // the part of its rate that a session keeps
	yieldRounds = 2    // after so many rounds with a queue: one may be a burst's
	spare       = 0.75 // what all that is given up between two probes leaves
	patience    = 6    // rounds with a queue after which no more is given up

	ease     = 0.97 // the part of what is delivered that is sent while a queue forms
	easeMost = 0.94 // but at least this part of what was delivered as it began to
	easeRise = 2 * time.Millisecond

	takeSegments = 5    // what is taken in a round without a queue
	takeLeast    = 128  // but at least this part of what is in flight, on a long path,
	takeMost     = 8    // and at most this, on a slow one,
	takeAlone    = 64   // or this, where nothing has been yielded of late
	takeBeyond   = 1.15 // of the most that was delivered, so that there is an end
)

// cruise is what a Model knows of the queue between two probes.
type cruise struct {
	least   float64       // bytes per second: what is kept until the next probe
	eased   float64       // bytes per second: what easing leaves; 0 while no queue forms
	queued  int           // rounds with a queue since one without
	yielded [2]bool       // since the last probe; between the two before
	stayed  [2]bool       // the same: a queue has, though something was yielded
	deepest time.Duration // the longest round trip of the last probe
}

// begin is told that a probe is over, and what is to be kept until the next.
func (c *cruise) begin(least float64) {
	c.least = least
	c.yielded[0], c.yielded[1] = false, c.yielded[0]
	c.stayed[0], c.stayed[1] = false, c.stayed[0]
}

// fathom notes the queue that a probe makes, until it is gone.
func (m *Model) fathom(rtt time.Duration) {
	switch m.phase {
	case phaseStartup, phaseUp, phaseDown:
		m.cruise.deepest = max(m.cruise.deepest, rtt)
	}
}

// forming reports whether a round trip shows a queue that is short yet: as rose
// does, or half of the one that the last probe made. A queue that holds little more
// than that would overflow.
func (m *Model) forming(rtt time.Duration) bool {
	return m.rose(rtt) || rtt > m.minRTT+max(easeRise, (m.cruise.deepest-m.minRTT)/2)
}

// steady keeps the queue short between probes, and brings the shares of sessions
// on one path together.
//
// A rate that is measured is a little too high, since acknowledgements come
// unevenly, so that a queue forms where one session is alone. It eases off by a
// little while it does, and then nothing has to be yielded; but not to a flow that
// takes whatever it is left.
//
// Who sees a queue all the same gives up a part of what it was given, and when the
// queue is gone each takes the same amount more, whatever it has (Chiu and Jain,
// "Analysis of the increase and decrease algorithms", 1989). A queue that stays is a
// flow's that gives up nothing: then what was given is kept. Nor is a rate lowered
// below three quarters of what it was at the last probe as long as that is
// delivered: such a flow would take all of it.
func (m *Model) steady(r roundStats) {
	c := &m.cruise
	switch {
	case m.round.count <= m.round.mark+2: // some of it was sent before
	case m.gate.queued(r, m.minRTT):
		switch c.queued++; {
		case c.queued == 1:
			m.shortRate = min(m.shortRate, m.given())
		case c.queued == yieldRounds:
			c.yielded[0] = true
			m.shortRate = max(yield*min(m.shortRate, m.given()), m.kept())
		case c.queued > patience:
			c.stayed[0] = true
			m.shortRate = max(m.shortRate, m.given())
		}
	case m.forming(r.rtt): // or going
		if c.stayed == [2]bool{} {
			c.eased = max(c.eased, easeMost*m.given())
			m.shortRate = min(m.shortRate, max(ease*m.given(), c.eased))
		}
	default:
		c.queued, c.eased = 0, 0
		if !math.IsInf(m.shortRate, 1) {
			m.takeMore(r)
		}
	}
}

// takeMore raises a rate that was given up by what all take in a round trip, and
// the bound with it where that is in the way. It may pass what this session has
// been given so far: others may have made room. Who seems to be alone takes no more
// than a part of what it has, or a short queue would overflow again and again.
func (m *Model) takeMore(r roundStats) {
	holds := m.shortRate * m.minRTT.Seconds()
	more := min(max(takeSegments*m.segment, holds/takeLeast), holds/takeMost)
	if m.cruise.yielded == [2]bool{} {
		more = min(more, holds/takeAlone)
	}
	m.shortRate = min(m.shortRate+more/m.minRTT.Seconds(), takeBeyond*m.bandwidth.max())
	if float64(r.inFlight) >= boundReached*headroom*m.bound {
		m.bound += more / headroom
	}
}

// given returns what the path has delivered of late.
func (m *Model) given() float64 { return max(m.round.last.rate, m.round.before.rate) }

// kept returns what cruise does not go below of its own accord.
func (m *Model) kept() float64 { return min(m.cruise.least, m.given()) }
