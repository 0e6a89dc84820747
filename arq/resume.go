package arq

import "time"

const (
	// resumedPart is the part of what a path held before that a Model begins with
	// (draft-ietf-tsvwg-careful-resume, section 3.2: the jump window).
	resumedPart = 0.5

	// maxResumed bounds that, in bytes (arbitrary).
	maxResumed = 4 << 20
)

// KnownPath is what a transfer has found out about its path, for the next one.
type KnownPath struct {
	RateBytesPerSec float64
	MinRTT          time.Duration
}

// Learned returns what is known of the path, false if that is not enough to resume from:
// startup is not over, or the path is a short one.
func (m *Model) Learned() (KnownPath, bool) {
	rate := min(m.shortRate, m.bandwidth.max())
	if m.local() || m.phase == phaseStartup || rate == 0 || m.minRTT == 0 {
		return KnownPath{}, false
	}
	return KnownPath{rate, m.minRTT}, true
}

// Resume has a Model that has not begun yet begin with half of what the path held in a
// transfer before, paced over a round trip, and double it from there: if the round trip
// is what it was, without a queue. Loss ends that as it ends any startup.
func (m *Model) Resume(p KnownPath, rtt time.Duration) {
	window := min(resumedPart*p.RateBytesPerSec*p.MinRTT.Seconds(), maxResumed)
	if window <= m.window || rtt < p.MinRTT/2 || rtt > p.MinRTT+p.MinRTT/hystartDivisor+hystartMinThreshold {
		return
	}
	m.resumed = true
	m.window = window
	m.startRate = window / rtt.Seconds()
}
