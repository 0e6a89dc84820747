package arq

import (
	"math"
	"time"
)

// Gains of draft-ietf-ccwg-bbr-03, section 2.4 and section 5.6, but where a
// comment says otherwise.
const (
	startupPacing = 2.77
	drainPacing   = 0.35
	downPacing    = 0.8 // BBR has 0.9: a queue that a probe has made goes sooner
	upPacing      = 1.25
	upWindow      = 2.25
	cruiseWindow  = 2.0
	probeRTTGain  = 0.5
	beta          = 0.7 // what remains of a bound after congestion

	fullBandwidthGrowth = 1.25
	fullBandwidthRounds = 3

	// boundGrowth is by which part the bound grows in the first round of a probe
	// that reaches it without congestion; it doubles each round (arbitrary).
	boundGrowth = 1.0 / 32

	// boundReached is the part of the bound that counts as all of it: bursts are
	// not split to fill it to the byte (arbitrary).
	boundReached = 0.9

	// stalledGrowth is by how much a probe that raises the rate by a quarter
	// raises delivery, if the path has room (arbitrary).
	stalledGrowth = 1.05

	// A probe comes early, after earlyRounds of cruise, if startup has left less than a train
	// has shown, by more than earlyGain (both arbitrary).
	earlyRounds = 4
	earlyGain   = 1.1

	minRTTWindow    = 10 * time.Second
	probeRTTTime    = 200 * time.Millisecond
	probeInterval   = 2 * time.Second // and up to a second more
	probeMaxRounds  = 63
	minWindow       = 4    // segments
	headroom        = 0.85 // of the long-term bound that is used between probes
	minRTTTolerance = 200 * time.Microsecond
)

// Model is a congestion controller that follows a model of the path, in the
// manner of BBR version 3 (draft-ietf-ccwg-bbr): how many bytes a second it
// delivers, and how short its round trip is. It sends at that rate, probes for
// more every few seconds, and empties the queue that the probe has made.
//
// It differs from BBR where loss is concerned: loss counts as congestion only
// with evidence (see lossGate). What is lost without costs its repeats, and the
// rate is raised by as much, so that the path stays full.
//
// On a path of less than lanRTT it is a plain window (see lanWindow): there the
// round trip is the hosts' own doing, and the peer's credit is what bounds the
// queue.
type Model struct {
	segment float64
	phase   phase
	since   time.Time // in this phase
	lan     lanWindow
	pacer   pacer

	delivery  deliveryMeter
	bandwidth bandwidthFilter
	round     roundMeter
	gate      lossGate
	trial     trial
	minRTT    time.Duration
	minRTTAt  time.Time     // when it was seen last
	probeMin  time.Duration // probe-rtt: the least so far; 0 if none
	path      time.Duration // least round trip ever: which regime

	fullBandwidth float64 // startup: the most that has been seen to grow
	fullRounds    int     // startup: rounds without growth
	rises         int     // startup: samples in a row that show a queue
	calm          int     // startup: samples in a row that show none, after that
	initial       float64 // startup: its first window, bytes
	train         trainMeter
	shown         float64   // startup: the rate of the fastest train so far, bytes per second
	proved        float64   // startup: the highest that a train has had at least
	ended         float64   // startup: the rate that it ended with, by a train,
	trainsUntil   time.Time // and when: what was sent before is heard out; else zero
	doubted       bool      // startup: ended by loss in a round as short as its first, and no queue was seen
	unsure        bool      // startup: ended by loss, and that round's mean showed no queue
	again         bool      // startup: begun again, since that was chance
	resumed       bool      // startup: begun with what the path held before

	bound       float64 // bytes in flight beyond which the path is known to be congested
	shortRate   float64 // bytes per second: for this cycle, after congestion or a queue
	peak        float64 // bytes per second: the most that has been delivered, or proved
	crowd       bool    // the queue that the probe meets was there before it
	cruise      cruise
	probeAt     time.Time // next probe for bandwidth
	cruised     int       // rounds since the last probe
	growth      float64   // up: the part by which the bound grows in a round
	upRate      float64   // up: the most that has been delivered
	stalls      int       // up: rounds that brought no more
	probeRTTEnd time.Time // zero until the window has shrunk

	window      float64 // bytes
	startRate   float64 // startup: pacing, bytes per second; never falls
	inFlight    int
	smoothed    time.Duration
	silentUntil time.Time // losses of what was sent before say nothing of the path now
	random      uint64
}

// NewModel returns a Model for segments of so many bytes, on a path with a round
// trip of about rtt. The seed spreads the probes of controllers that share a path.
func NewModel(segmentBytes int, rtt time.Duration, seed uint64) *Model {
	s := float64(segmentBytes)
	// Less than what four connections of RFC 6928 begin with, or two of Chromium's
	// QUIC (32 packets): a fetch's sessions, four by default, share one Model.
	w := min(48*s, max(2*s, 4*14720))
	return &Model{
		segment: s, window: w, initial: w, lan: newLANWindow(w),
		bound: math.Inf(1), shortRate: math.Inf(1), random: seed | 1,
		smoothed: rtt, startRate: w / min(max(rtt, lanRTT)/surgePacing, firstTime).Seconds(),
	}
}

// SetSegment implements Controller.
func (m *Model) SetSegment(bytes int) {
	m.segment = float64(bytes)
	m.window = max(m.window, minWindow*m.segment)
	m.lan.window = max(m.lan.window, 2*m.segment)
}

// local reports whether the path is too short for a model.
func (m *Model) local() bool { return m.path > 0 && m.path < lanRTT }

// Window implements Controller.
func (m *Model) Window() int {
	if m.local() {
		return int(m.lan.window)
	}
	return int(max(m.window, m.segment))
}

// PacingRate implements Controller.
func (m *Model) PacingRate() float64 {
	if m.local() {
		return 0
	}
	floor := minWindow * m.segment / max(m.smoothed, lanRTT).Seconds()
	if m.phase == phaseStartup {
		return max(m.startupPace(), floor)
	}
	return max(m.pacingGain()*m.rate(), floor)
}

func (m *Model) pacingGain() float64 {
	switch m.phase {
	case phaseDrain:
		return drainPacing
	case phaseDown:
		return downPacing
	case phaseUp:
		return upPacing
	}
	return 1
}

// rate returns how fast to send so that the path is full: what it delivers, and
// what it loses for no reason of ours; or less, for a trial.
func (m *Model) rate() float64 {
	rate := m.bandwidth.max()
	if !math.IsInf(m.shortRate, 1) {
		rate = min(m.shortRate, takeBeyond*rate)
	}
	if !crowded(m.round.last.rtt, m.minRTT) {
		rate /= 1 - m.gate.random
	}
	return m.trial.limit(rate)
}

// target returns gain times what the path holds, in bytes.
func (m *Model) target(gain float64) float64 { return m.targetOver(gain, m.minRTT) }

// targetOver is target on a path whose round trip is another one.
func (m *Model) targetOver(gain float64, rtt time.Duration) float64 {
	return gain*m.rate()*rtt.Seconds() + 3*m.burst()
}

// longest returns the round trip that the window is to allow for: with the queue
// of others, if that stays.
func (m *Model) longest() time.Duration {
	if m.cruise.queued > 2*patience || m.phase == phaseUp && m.crowd {
		return max(m.minRTT, m.round.last.rtt)
	}
	return m.minRTT
}

// holds is what the path holds without a queue, in bytes.
func (m *Model) holds() float64 { return m.rate()*m.minRTT.Seconds() + m.burst() }

// burst is what is sent at once.
func (m *Model) burst() float64 {
	return max(2*m.segment, min(m.rate()*burstTime.Seconds(), 64<<10))
}

// SendAt implements Controller.
func (m *Model) SendAt(now time.Time) time.Time {
	return m.pacer.next(now, m.PacingRate(), int(m.segment))
}

// OnSend implements Controller.
func (m *Model) OnSend(now time.Time, bytes int) Delivery {
	m.pacer.take(bytes)
	d := m.delivery.sending(now, m.inFlight == 0)
	m.inFlight += bytes
	return d
}

// OnRecall implements Controller.
func (m *Model) OnRecall(bytes int) { m.inFlight -= bytes }

// SetLimited implements Controller.
func (m *Model) SetLimited(limited bool) bool {
	if limited {
		m.delivery.limit(m.inFlight)
	}
	return limited
}

// Phase implements Controller.
func (m *Model) Phase() string {
	if m.local() {
		return "local"
	}
	return m.phase.String()
}

// InFlight returns how many bytes are in flight.
func (m *Model) InFlight() int { return m.inFlight }

// OnAck implements Controller.
func (m *Model) OnAck(now time.Time, a AckSample) {
	a.InFlight = m.inFlight
	m.inFlight -= a.Bytes - a.Unlost
	rate := m.delivery.acknowledged(now, a.Bytes, a.SentAt, a.Sent, a.MinRTT)
	m.smoothed = a.SmoothedRTT
	if m.path == 0 || a.MinRTT < m.path {
		m.path = a.MinRTT
	}
	if m.local() {
		m.lan.onAck(a, m.segment)
		return
	}
	if m.since.IsZero() {
		m.since = now
	}
	m.observeRTT(now, a.RTT)
	if m.phase == phaseStartup {
		m.watchRise(a.RTT)
	}
	m.fathom(a.RTT)
	m.bandwidth.add(rate, a.Sent.appLimited)
	m.peak = max(m.peak, m.bandwidth.max())
	m.gate.acked(a)
	if m.round.acked(now, a, m.delivery.delivered, rate) {
		m.endRound(now)
	}
	if m.phase == phaseStartup || a.SentAt.Before(m.trainsUntil) {
		m.observeTrain(now, a)
	}
	m.advance(now, a.RTT)
	m.resize(a)
}

// observeRTT follows the least round trip. A sample that comes near it renews it.
func (m *Model) observeRTT(now time.Time, rtt time.Duration) {
	if rtt > 0 && (m.minRTT == 0 || rtt <= m.minRTT+m.minRTT/50+minRTTTolerance) {
		if m.minRTT == 0 || rtt < m.minRTT {
			m.minRTT = rtt
		}
		m.minRTTAt = now
	}
	if m.phase == phaseProbeRTT && rtt > 0 && !m.probeRTTEnd.IsZero() && (m.probeMin == 0 || rtt < m.probeMin) {
		m.probeMin = rtt
	}
	if rtt > 0 && m.phase != phaseProbeRTT && m.phase != phaseStartup && now.Sub(m.minRTTAt) > minRTTWindow {
		m.enter(now, phaseProbeRTT)
		m.probeRTTEnd = time.Time{}
		m.probeMin = 0 // the old one says how far to shrink, until the new one is known
	}
}

// resize sets the window.
func (m *Model) resize(a AckSample) {
	w := m.window
	switch {
	case m.phase == phaseStartup:
		w = m.startupWindow(a)
	case m.rate() == 0:
		w += float64(a.Bytes)
	case m.phase == phaseUp:
		w = min(w+float64(a.Bytes), m.targetOver(upWindow, m.longest()))
	case m.phase == phaseProbeRTT:
		w = m.target(probeRTTGain)
	default:
		w = min(w+float64(a.Bytes), m.targetOver(cruiseWindow, m.longest()))
	}
	switch m.phase {
	case phaseCruise, phaseDown:
		w = min(w, headroom*m.bound)
	default:
		w = min(w, m.bound)
	}
	m.window = max(w, minWindow*m.segment)
}

// OnLoss implements Controller.
func (m *Model) OnLoss(now time.Time, l LossSample) {
	m.inFlight -= l.Bytes
	if m.local() {
		m.lan.onLoss(now, l, m.segment)
		return
	}
	if l.SentAt.Before(m.silentUntil) {
		return
	}
	m.gate.lost(l.Bytes)
}

// OnSilence implements Controller: the path may have changed altogether.
func (m *Model) OnSilence(now time.Time) {
	m.lan.silence(m.segment)
	if m.local() {
		return
	}
	m.window = minWindow * m.segment
	m.bandwidth = bandwidthFilter{}
	m.gate.forget()
	m.silentUntil = now
	m.restart(now)
	m.startRate = surgePacing * m.window / max(m.smoothed, lanRTT).Seconds()
}
