package arq

import "time"

// Constants of RFC 9406, section 4.3.
const (
	hystartMinThreshold = 4 * time.Millisecond
	hystartMaxThreshold = 16 * time.Millisecond
	hystartDivisor      = 8
	hystartSamples      = 8
	hystartGrowth       = 4 // conservative slow start grows by a quarter
	hystartRounds       = 5
)

// slowStart is HyStart++ (RFC 9406): it watches the round trip of each round and
// ends slow start when that rises, before the queue overflows.
type slowStart struct {
	full bool // slow start is over

	roundEnd     time.Time // a round ends when what was sent after this is acknowledged
	samples      int
	lastMin, min time.Duration // of the round before, of this one; 0 if none

	conservative int           // rounds of conservative slow start so far; 0 outside it
	baseline     time.Duration // the minimum that started it
}

// growth returns by how many bytes an acknowledgement widens the window.
func (s *slowStart) growth(now time.Time, a AckSample) float64 {
	if !a.SentAt.Before(s.roundEnd) {
		s.nextRound(now)
	}
	if a.RTT > 0 {
		s.samples++
		if s.min == 0 || a.RTT < s.min {
			s.min = a.RTT
		}
	}
	if s.samples >= hystartSamples && s.lastMin > 0 {
		threshold := min(max(s.lastMin/hystartDivisor, hystartMinThreshold), hystartMaxThreshold)
		switch {
		case s.conservative == 0 && s.min >= s.lastMin+threshold:
			s.conservative, s.baseline = 1, s.min
		case s.conservative > 0 && s.min < s.baseline: // the rise was spurious
			s.conservative = 0
		}
	}
	if s.conservative > 0 {
		return float64(a.Bytes) / hystartGrowth
	}
	return float64(a.Bytes)
}

func (s *slowStart) nextRound(now time.Time) {
	if s.conservative > 0 {
		s.conservative++
		s.full = s.conservative > hystartRounds
	}
	s.roundEnd = now
	s.lastMin, s.min, s.samples = s.min, 0, 0
}
