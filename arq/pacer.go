package arq

import "time"

// pacerDepth is how much sending time the bucket holds. A sleep of the Go
// runtime can be a millisecond late, and more on a busy host; what comes late
// within this loses no rate.
const pacerDepth = 4 * time.Millisecond

// pacer spreads bursts over time: a token bucket that refills by elapsed time,
// so that a late wake-up does not lower the rate (RFC 9002, section 7.7).
type pacer struct {
	tokens float64 // bytes; below zero after a burst larger than what was there
	filled time.Time
}

// next returns when the next burst may be sent: now, or when the bucket holds
// tokens again. A rate of 0 is no pacing. segment is in bytes.
func (p *pacer) next(now time.Time, rate float64, segment int) time.Time {
	if rate == 0 {
		*p = pacer{} // what is sent without pacing is no debt
		return now
	}
	if p.refill(now, rate, 2*segment); p.ready() {
		return now
	}
	return p.readyAt(rate)
}

// refill adds the tokens of the time since the last call. rate is in bytes
// per second; burst is the least that the bucket holds, in bytes.
func (p *pacer) refill(now time.Time, rate float64, burst int) {
	depth := max(float64(burst), rate*pacerDepth.Seconds())
	if p.filled.IsZero() {
		p.tokens, p.filled = depth, now
		return
	}
	if d := now.Sub(p.filled); d > 0 {
		p.tokens = min(depth, p.tokens+rate*d.Seconds())
		p.filled = now
	}
}

func (p *pacer) ready() bool { return p.tokens > 0 }

func (p *pacer) take(bytes int) { p.tokens -= float64(bytes) }

// readyAt returns when the bucket holds tokens again.
func (p *pacer) readyAt(rate float64) time.Time {
	// One microsecond more, so that rounding cannot leave the bucket at zero.
	return p.filled.Add(time.Duration(-p.tokens/rate*float64(time.Second)) + time.Microsecond)
}
