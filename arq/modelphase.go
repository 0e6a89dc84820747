package arq

import (
	"math"
	"time"
)

// phase is what a Model is doing.
type phase uint8

const (
	phaseStartup phase = iota
	phaseDrain
	phaseDown
	phaseCruise
	phaseRefill
	phaseUp
	phaseProbeRTT
)

func (p phase) String() string {
	return [...]string{"startup", "drain", "down", "cruise", "refill", "up", "probe-rtt"}[p]
}

// careful reports that startup has met a queue: the path may be full, and the
// end of the round will tell. It is HyStart++'s conservative slow start (RFC
// 9406, section 4.2).
func (m *Model) careful() bool { return m.rises >= hystartSamples }

// watchRise looks for the queue that startup makes.
func (m *Model) watchRise(rtt time.Duration) {
	switch {
	case rtt == 0:
	case m.rose(rtt):
		m.rises++
		m.calm = 0
	case !m.careful():
		m.rises = 0
	default:
		if m.calm++; m.calm >= hystartSamples { // it was another's, and is gone
			m.rises, m.calm = 0, 0
		}
	}
}

// rose reports whether a round trip shows that a queue has begun to grow.
func (m *Model) rose(rtt time.Duration) bool {
	return rtt >= m.minRTT+min(max(m.minRTT/hystartDivisor, hystartMinThreshold), hystartMaxThreshold)
}

// endRound looks back on a round trip.
func (m *Model) endRound(now time.Time) {
	r := &m.round.last
	probing := m.phase == phaseStartup || m.phase == phaseUp
	congested := m.gate.judge(r, m.minRTT, probing && r.rate < stalledGrowth*m.round.before.rate, m.segment)
	m.cruised++
	switch {
	case congested:
		m.congestion(now, *r)
	case m.phase == phaseStartup && !r.appLimited:
		m.lookForFull(now)
	case m.phase == phaseCruise && !r.appLimited:
		m.steady(*r)
	case m.phase == phaseUp && m.round.count > m.round.mark+1:
		m.climb(now, *r)
	}
}

// climb goes on with a probe while it finds more, and ends it when it does not.
func (m *Model) climb(now time.Time, r roundStats) {
	switch {
	case r.rate >= stalledGrowth*m.upRate:
		m.upRate, m.stalls = r.rate, 0
	case float64(r.inFlight) < boundReached*m.bound:
		m.stalls++
	}
	if float64(r.inFlight) >= boundReached*m.bound {
		m.bound *= 1 + m.growth
		m.growth = min(2*m.growth, upPacing-1)
	}
	full := r.rate < stalledGrowth*m.upRate && m.rose(r.rtt) // more in flight only waits
	if full || m.stalls > 1 || m.stalls > 0 && float64(r.inFlight) >= upPacing*m.target(1) {
		m.enter(now, phaseDown)
	}
}

// steady keeps the queue short between probes, and brings the shares of sessions
// on one path together: who sees a queue gives up a part of what it was given,
// and when the queue is gone each takes the same amount more, whatever it has
// (Chiu and Jain, "Analysis of the increase and decrease algorithms", 1989). A
// queue that stays is a flow's that gives up nothing: then what was given is kept.
// Nor is a rate lowered below three quarters of what it was at the last probe as
// long as that is delivered: such a flow would take all of it.
func (m *Model) steady(r roundStats) {
	switch {
	case m.round.count <= m.round.mark+2: // some of it was sent before
	case m.gate.queued(r, m.minRTT):
		switch m.queued++; {
		case m.queued == 1:
			m.shortRate = min(m.shortRate, m.given())
		case m.queued == yieldRounds:
			m.shortRate = max(yield*min(m.shortRate, m.given()), m.kept())
		case m.queued > patience:
			m.shortRate = max(m.shortRate, m.given())
		}
	case m.rose(r.rtt): // it is going, or coming
	default:
		m.queued = 0
		if !math.IsInf(m.shortRate, 1) {
			m.takeMore(r)
		}
	}
}

// takeMore raises a rate that was given up by what all take in a round trip, and
// the bound with it where that is in the way. It may pass what this session has
// been given so far: others may have made room.
func (m *Model) takeMore(r roundStats) {
	holds := m.shortRate * m.minRTT.Seconds()
	more := min(max(takeSegments*m.segment, holds/takeLeast), holds/takeMost)
	m.shortRate = min(m.shortRate+more/m.minRTT.Seconds(), takeBeyond*m.bandwidth.max())
	if float64(r.inFlight) >= boundReached*headroom*m.bound {
		m.bound += more / headroom
	}
}

// given returns what the path has delivered of late.
func (m *Model) given() float64 { return max(m.round.last.rate, m.round.before.rate) }

// kept returns what cruise does not go below of its own accord.
func (m *Model) kept() float64 { return min(m.least, m.given()) }

// congestion lowers what the path is believed to bear.
func (m *Model) congestion(now time.Time, r roundStats) {
	switch m.phase {
	case phaseStartup:
		m.bound = max(m.target(1), float64(r.inFlight)*beta)
		m.enter(now, phaseDrain)
	case phaseUp:
		m.bound = max(float64(r.inFlight)*(1-r.lossShare()), m.target(1))
		m.enter(now, phaseDown)
	default:
		if m.round.count <= m.round.mark+1 {
			return // most of it was sent before, by the probe
		}
		short := min(m.shortRate, m.bandwidth.max())
		m.shortRate = max(beta*short, m.given())
		m.bound = max(beta*m.bound, min(m.bound, max(float64(r.inFlight), m.kept()*m.smoothed.Seconds()/headroom)), minWindow*m.segment)
	}
}

// lookForFull ends startup when the rate has stopped growing.
func (m *Model) lookForFull(now time.Time) {
	if b := m.bandwidth.max(); b >= fullBandwidthGrowth*m.fullBandwidth {
		m.fullBandwidth, m.fullRounds, m.rises = b, 0, 0
		return
	}
	if m.fullRounds++; m.fullRounds >= fullBandwidthRounds || m.careful() {
		m.enter(now, phaseDrain)
	}
}

// advance moves to the next phase when this one has done its work. rtt is the
// latest sample, 0 if there is none.
func (m *Model) advance(now time.Time, rtt time.Duration) {
	in := float64(m.inFlight)
	switch m.phase {
	case phaseDrain:
		if in <= m.target(1) {
			m.enter(now, phaseDown)
		}
	case phaseDown:
		if in <= min(m.holds(), headroom*m.bound) || now.Sub(m.since) > 3*m.smoothed {
			m.enter(now, phaseCruise)
		}
	case phaseCruise:
		if !now.Before(m.probeAt) || m.cruised >= probeMaxRounds {
			m.enter(now, phaseRefill)
		}
	case phaseRefill:
		if m.round.count > m.round.mark {
			m.enter(now, phaseUp)
		}
	case phaseUp:
		// Full: what is sent more waits in a queue.
		if !m.crowd && m.round.count > m.round.mark && m.round.now.rate < stalledGrowth*m.upRate && m.rose(rtt) &&
			in >= upPacing*m.target(1) {
			m.enter(now, phaseDown)
		}
	case phaseProbeRTT:
		m.probeRTT(now, in)
	}
}

// probeRTT holds the window down long enough to see the path without our queue.
func (m *Model) probeRTT(now time.Time, in float64) {
	if m.probeRTTEnd.IsZero() {
		if in <= max(m.target(probeRTTGain), minWindow*m.segment) {
			m.probeRTTEnd = now.Add(max(probeRTTTime, m.minRTT))
		}
		return
	}
	if !now.Before(m.probeRTTEnd) && m.probeMin > 0 {
		m.minRTT, m.minRTTAt = m.probeMin, now
		m.enter(now, phaseCruise)
	}
}

// enter begins a phase.
func (m *Model) enter(now time.Time, p phase) {
	m.phase, m.since = p, now
	m.round.mark = m.round.count
	switch p {
	case phaseDown:
		if !math.IsInf(m.shortRate, 1) { // what the probe found is what it has now
			m.shortRate = max(m.shortRate, m.upRate)
		}
		m.least = spare * min(m.shortRate, m.bandwidth.max())
		m.bandwidth.nextCycle()
		m.cruised = 0
		m.probeAt = now.Add(probeInterval + m.spread(time.Second))
	case phaseRefill:
		m.crowd = m.queued > 0
		m.queued = 0
		if !m.crowd {
			m.shortRate = math.Inf(1)
		}
	case phaseUp:
		m.growth, m.stalls, m.upRate = boundGrowth, 0, min(m.shortRate, m.bandwidth.max())
	}
}

// spread returns a duration below d that differs from call to call (xorshift64,
// Marsaglia 2003).
func (m *Model) spread(d time.Duration) time.Duration {
	m.random ^= m.random << 13
	m.random ^= m.random >> 7
	m.random ^= m.random << 17
	return time.Duration(m.random % uint64(d))
}
