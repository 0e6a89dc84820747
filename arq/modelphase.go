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

// endRound looks back on a round trip.
func (m *Model) endRound(now time.Time) {
	r := &m.round.last
	probing := m.phase == phaseStartup || m.phase == phaseUp
	congested := m.gate.judge(r, m.minRTT, probing && r.rate < stalledGrowth*m.round.before.rate, m.segment)
	m.cruised++
	switch {
	case m.chance(now, *r, congested): // startup has begun again
	case congested:
		m.congestion(now, *r)
	case m.phase == phaseStartup && !r.appLimited:
		m.lookForFull(now)
	case m.phase == phaseCruise && m.doubted && m.round.count > m.round.mark+1 && !r.appLimited:
		m.reconsider(now, *r)
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

// congestion lowers what the path is believed to bear.
func (m *Model) congestion(now time.Time, r roundStats) {
	switch m.phase {
	case phaseStartup:
		queue := crowded(r.rtt, m.minRTT)
		if queue { // else the trains may have been no more than a policer's bucket
			m.believeTrain()
		}
		m.unsure = !queue
		m.doubted = !queue && !m.again && float64(r.acked+r.lost) <= 2*m.initial
		m.bound = max(m.leastBound(), float64(r.inFlight)*beta)
		m.enter(now, phaseDrain)
	case phaseUp:
		if !crowded(m.cruise.deepest, m.minRTT) { // a policer, by which chance is judged too high
			m.gate.disprove()
		}
		m.bound = max(m.leastBound(), float64(r.inFlight)*(1-r.lossShare()))
		m.enter(now, phaseDown)
	default:
		if m.round.count <= m.round.mark+1 {
			return // most of it was sent before, by the probe
		}
		m.doubted = false
		short := min(m.shortRate, m.bandwidth.max())
		m.shortRate = max(beta*short, m.delivered(), m.held())
		m.cruise.losing = queued(r.rtt, m.minRTT)
		m.bound = max(beta*m.bound, min(m.bound, max(float64(r.inFlight), m.kept()*m.smoothed.Seconds()/headroom)), minWindow*m.segment)
	}
}

// chance reports that heavy loss has turned out to be by chance. It is made up for from then
// on, and startup looks again for what the path has.
func (m *Model) chance(now time.Time, r roundStats, congested bool) bool {
	if m.phase != phaseCruise || m.round.count <= m.round.mark+2 { // some of it was sent before
		return false
	}
	share := m.trial.observe(r, congested, !r.appLimited && !crowded(r.rtt, m.minRTT))
	if share == 0 {
		return false
	}
	m.gate.prove(share)
	m.restart(now)
	m.again = true
	return true
}

// leastBound returns what startup and a probe leave at least of the bound, in bytes. Where a queue has
// overflowed, the part of it that is used afterwards fills the path: the queue may hold less than
// the rest, and a part of the rate would be unused until the next probe. A policer has no
// queue, and drops what is more than its rate: there the rest is what keeps below that.
func (m *Model) leastBound() float64 {
	if crowded(m.cruise.deepest, m.minRTT) {
		return m.target(1) / headroom
	}
	return m.target(1)
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
		due := m.short() || !now.Before(m.probeAt) || m.cruised >= probeMaxRounds
		if due && !m.trial.running() {
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

// short reports whether startup has left less than a train has shown: what ended it were losses
// in a round that hardly showed a queue, and there is none now. Then the next probe is not
// waited for.
func (m *Model) short() bool {
	return m.unsure && m.cruised >= earlyRounds && m.cruise.queued == 0 && m.shown > earlyGain*m.bandwidth.max()
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
		m.cruise.begin(min(m.shortRate, m.bandwidth.max()))
		m.bandwidth.nextCycle()
		m.cruised = 0
		m.probeAt = now.Add(probeInterval + m.spread(time.Second))
	case phaseRefill:
		m.doubted, m.unsure = false, false
		m.trial = trial{}
		m.crowd = m.cruise.end()
		if !m.crowd {
			m.shortRate = math.Inf(1)
		}
	case phaseUp:
		m.cruise.deepest = 0
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
