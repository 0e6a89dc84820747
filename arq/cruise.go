package arq

import (
	"math"
	"time"
)

// What a Model does about a queue between two probes, see steady. The numbers are
// those that lead to the shares of docs/decisions/0008, 0011, 0013, 0015 and 0030.
const (
	yield       = 0.87     // the part of its rate that a session keeps
	yieldRounds = 2        // after so many rounds with a queue: one may be a burst's
	yieldRise   = 1.0 / 16 // and again when the queue has grown by this part of the least round trip
	spare       = 0.75     // what all that is given up between two probes leaves,
	spareMost   = 0.6      // or this part of the most that was ever delivered, if that is less
	patience    = 6        // rounds with a queue after which no more is given up to one that does not grow

	hold       = 0.9  // the part of what a probe found that is kept beside a flow that gives up nothing,
	holdBeyond = 1.25 // as long as it is not more than this times what is delivered
	deepPart   = 0.65 // the part of the last probe's queue that a queue keeps, if nobody gives up anything
	deepCycles = 3    // so many probes later that is forgotten

	ease        = 0.97                 // the part of what is delivered that is sent while a queue forms
	easeMost    = 0.94                 // but at least this part of what was delivered as it began to
	easeDivisor = 12                   // such a queue is this part of the least round trip, or half of a probe's,
	easeRise    = 2 * time.Millisecond // but not less

	takeSegments = 5    // what is taken in a round without a queue
	takeLeast    = 128  // but at least this part of what is in flight, on a long path,
	takeMost     = 8    // and at most this, on a slow one,
	takeAlone    = 64   // or this, where nothing has been yielded of late
	takeBeyond   = 1.15 // of the most that was delivered, so that there is an end
)

// cruise is what a Model knows of the queue between two probes.
type cruise struct {
	found     float64       // bytes per second: what the last probe left
	eased     float64       // bytes per second: what easing leaves; 0 while no queue forms
	queued    int           // rounds with a queue since one without
	losing    bool          // the last round had a queue, and losses
	yielded   [2]bool       // since the last probe; between the two before
	stayed    [2]bool       // the same: a queue has, though something was yielded
	yieldedAt time.Duration // the least round trip of the round after which something was yielded last
	deepest   time.Duration // the longest round trip of the last probe
	shallow   bool          // the queue has been less than deep since then
	deep      int           // for so many probes a queue that has stayed deep is remembered
}

// end is told that a probe begins, and reports whether that meets a queue that was
// there before it.
func (c *cruise) end() bool {
	queued := c.queued
	c.queued = 0
	c.deep = max(0, c.deep-1)
	if queued > patience && !c.shallow {
		c.deep = deepCycles
	}
	return queued > 0 || c.losing
}

// begin is told that a probe is over, and the rate that it has left.
func (c *cruise) begin(found float64) {
	c.found = found
	c.losing = false
	c.shallow = false
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

// forming reports whether a round trip shows a queue that is short yet: a part of the
// least one, or half of the one that the last probe made. A queue that holds little more
// than that would overflow.
func (m *Model) forming(rtt time.Duration) bool {
	part := min(m.minRTT/easeDivisor, (m.cruise.deepest-m.minRTT)/2, hystartMaxThreshold)
	return rtt > m.minRTT+max(part, easeRise)
}

// steady keeps the queue short between probes, and brings the shares of sessions
// on one path together. It goes by the least round trip of a round: where round trips
// vary by themselves their mean shows a queue that is not there.
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
// delivered: such a flow would take all of it. But who has more than six tenths of what
// the path has ever delivered goes down to there, as long as the queue grows: CUBIC
// that began with little takes a segment or so more in a round trip, and
// loses a third of that when the queue is full.
//
// A queue that stays deep is one of BBR, which remembers the best of ten rounds and
// minds no loss: what is given shrinks each time that it probes. So then what the last
// probe has found is held, see held. CUBIC's queue stays too, but it falls at each loss.
func (m *Model) steady(r roundStats) {
	c := &m.cruise
	c.losing = false
	switch {
	case m.round.count <= m.round.mark+2: // some of it was sent before
	case queued(r.leastRTT, m.minRTT):
		c.shallow = c.shallow || float64(r.leastRTT-m.minRTT) < deepPart*float64(c.deepest-m.minRTT)
		switch c.queued++; {
		case c.queued == 1:
			m.shortRate = min(m.shortRate, m.given())
		case c.queued == yieldRounds, c.queued > yieldRounds && m.grown():
			c.yielded[0], c.yieldedAt = true, r.leastRTT
			m.shortRate = max(yield*min(m.shortRate, m.given()), m.kept())
		case c.queued > patience:
			c.stayed[0] = true
			m.shortRate = max(m.shortRate, m.given(), m.held())
		}
	case m.forming(r.leastRTT): // or going
		c.shallow = true
		if c.stayed == [2]bool{} {
			c.eased = max(c.eased, easeMost*m.given())
			m.shortRate = min(m.shortRate, max(ease*m.given(), c.eased))
		}
	default:
		c.queued, c.eased, c.shallow = 0, 0, true
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

// given returns what the path has delivered of late, by the best sample.
func (m *Model) given() float64 { return max(m.round.last.rate, m.round.before.rate) }

// delivered returns what the path has delivered of late, which is what congestion leaves. Where a
// queue overflows for a second round, who has most of the path goes by the mean of a round: the best sample is
// above that where several compete, by so much that room was made for another's startup
// in five round trips.
func (m *Model) delivered() float64 {
	if m.cruise.losing && m.given() > spareMost*m.peak {
		return max(m.round.last.mean, m.round.before.mean)
	}
	return m.given()
}

// grown reports whether a queue has grown, for two rounds, since something was yielded:
// somebody takes more, and if this session has most of the path it is more than what
// is its share.
func (m *Model) grown() bool {
	rtt := min(m.round.last.leastRTT, m.round.before.leastRTT)
	return m.given() > spareMost*m.peak && float64(rtt-m.cruise.yieldedAt) > yieldRise*float64(m.minRTT)
}

// kept returns what cruise does not go below of its own accord.
func (m *Model) kept() float64 {
	return max(min(spare*m.cruise.found, spareMost*m.peak, m.given()), m.held())
}

// held returns what is sent at least, in bytes per second, whatever is lost of it,
// because another flow gives up nothing; 0 if none seems to be there.
func (m *Model) held() float64 {
	if m.cruise.deep == 0 {
		return 0
	}
	return min(hold*m.cruise.found, holdBeyond*m.given())
}
