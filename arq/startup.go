package arq

import (
	"math"
	"time"
)

const (
	// surgeWindow is up to where startup quadruples the window in a round trip, as
	// SUSS does (SIGCOMM 2024): what it can overshoot by then is little.
	surgeWindow = 1 << 20
	surgeGrowth = 3 // bytes by which each that is acknowledged widens the window until then
	surgePacing = 2 // windows a round trip

	// firstTime is the most that the first window is spread over, so that on a long
	// path it is a train which tells something (arbitrary; what it overtakes has a
	// queue of less than the window).
	firstTime = 25 * time.Millisecond

	// What a train has shown lets startup send at trainPacing times that rate, so that
	// the next one shows more if there is more, and have trainWindow times as much in
	// flight as that rate fills the path with (both arbitrary).
	trainPacing = 2.0
	trainWindow = 1.5
)

// careful reports that the path may be full, which the end of the round will tell: startup has
// met a queue, as in HyStart++'s conservative slow start (RFC 9406, section 4.2), or a train
// has shown a rate and much is lost in the round under way.
func (m *Model) careful() bool {
	return m.risen() || m.shown > 0 && m.gate.heavy(m.round.now, m.segment)
}

// risen reports whether round trips have shown a queue.
func (m *Model) risen() bool { return m.rises >= hystartSamples }

// surges reports whether startup quadruples: not where it has met loss before, nor where
// it began with half of what there was to have.
func (m *Model) surges() bool { return m.window < surgeWindow && !m.again && !m.resumed }

// observeTrain follows the rate that the path has shown. Where a queue shows as well, and
// the train came more slowly than it went, that is all that there is: startup is over,
// before a round trip has passed. What has been sent by then is heard out: the longer a
// train, the more it proves, and if that is much more, it was jitter that spread a short one.
func (m *Model) observeTrain(now time.Time, a AckSample) {
	rate, least := m.train.acknowledged(now, a, m.segment)
	m.shown, m.proved = max(m.shown, rate), max(m.proved, least)
	switch {
	case m.phase != phaseStartup:
		if m.proved >= fullBandwidthGrowth*m.ended {
			m.believeTrain()
		}
	case rate > 0 && m.train.spread && m.risen():
		m.believeTrain()
		m.ended, m.trainsUntil = m.bandwidth.max(), now
		m.enter(now, phaseDrain)
	}
}

// believeTrain takes what trains have proved for the rate, where round trips have shown less:
// they were not full.
func (m *Model) believeTrain() { m.bandwidth.add(m.proved, false) }

// startupPace returns bytes per second. It never falls, but where the path may be full: more
// would only wait then, or be lost.
func (m *Model) startupPace() float64 {
	if m.careful() {
		return max(m.rate(), m.shown)
	}
	rate := trainPacing * m.shown
	if rate == 0 {
		rate = startupPacing * m.rate()
	}
	if m.surges() {
		// What has been delivered tells of the window of a round trip ago.
		rate = max(rate, surgePacing*m.window/max(m.smoothed, lanRTT).Seconds())
	}
	m.startRate = max(m.startRate, rate)
	return m.startRate
}

// startupWindow returns the window after an acknowledgement.
func (m *Model) startupWindow(a AckSample) float64 {
	bytes := float64(a.Bytes)
	if m.careful() {
		return m.window + bytes/hystartGrowth
	}
	w := m.window + bytes
	switch {
	case m.surges():
		w = m.window + surgeGrowth*bytes
	case m.minRTT > 0 && m.rate() > 0:
		w = max(m.window, min(w, max(surgeWindow, m.target(startupPacing))))
	}
	return max(w, trainWindow*m.shown*m.minRTT.Seconds())
}

// watchRise looks for the queue that startup makes.
func (m *Model) watchRise(rtt time.Duration) {
	switch {
	case rtt == 0:
	case m.rose(rtt):
		m.rises++
		m.calm = 0
	case !m.risen():
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

// reconsider goes back to startup if what ended it was chance: a burst of losses
// takes much of a window that is small yet. Then the first round at the rate that is
// known to be delivered loses little.
func (m *Model) reconsider(now time.Time, r roundStats) {
	m.doubted = false
	if !r.lostMore(m.gate.random+congestionLoss, m.segment) && !crowded(r.rtt, m.minRTT) {
		m.restart(now)
		m.again = true
	}
}

// restart begins startup anew.
func (m *Model) restart(now time.Time) {
	m.fullBandwidth, m.fullRounds, m.rises, m.startRate = 0, 0, 0, 0
	m.shown, m.proved, m.peak = 0, 0, 0
	m.train, m.trainsUntil = trainMeter{}, time.Time{}
	m.doubted, m.unsure, m.again = false, false, false
	m.trial = trial{}
	m.bound, m.shortRate = math.Inf(1), math.Inf(1)
	m.enter(now, phaseStartup)
}
