package assign

import "time"

const (
	// RateInterval is the least time that a rate is measured over.
	RateInterval = 100 * time.Millisecond

	// rateWeight is the part of a new sample in the smoothed rate (arbitrary: a
	// change is followed within a second).
	rateWeight = 0.3
)

// Meter smooths the rate at which bytes come while there is work.
type Meter struct {
	since time.Time     // of the last tick; zero while idle
	busy  time.Duration // of the sample under way
	bytes int64
	rate  float64 // bytes per second; 0 before the first sample
}

// Rate returns the rate in bytes per second, 0 before the first sample.
func (m *Meter) Rate() float64 { return m.rate }

// Add notes bytes that came.
func (m *Meter) Add(n int64) { m.bytes += n }

// Latest returns the rate, or that of the sample under way where it is higher
// and as long as a round trip.
func (m *Meter) Latest(now time.Time, rtt time.Duration) float64 {
	if m.since.IsZero() {
		return m.rate
	}
	busy := m.busy + now.Sub(m.since)
	return max(m.rate, float64(m.bytes)/max(busy, rtt, time.Millisecond).Seconds())
}

// Tick ends the sample under way if it is long enough. busy says whether there
// is work: time without it does not count. It reports whether the rate is new.
func (m *Meter) Tick(now time.Time, busy bool) bool {
	if !m.since.IsZero() {
		m.busy += now.Sub(m.since)
	}
	m.since = time.Time{}
	if busy {
		m.since = now
	}
	if m.busy < RateInterval {
		return false
	}
	sample := float64(m.bytes) / m.busy.Seconds()
	if sample > m.rate { // startup doubles it in a round trip: do not lag behind
		m.rate = sample
	} else {
		m.rate += rateWeight * (sample - m.rate)
	}
	m.busy, m.bytes = 0, 0
	return true
}
