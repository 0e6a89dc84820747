package arq

import (
	"math"
	"time"
)

// roundStats is what one round trip of a session showed.
type roundStats struct {
	acked, lost int           // bytes
	rtt         time.Duration // mean of the samples; 0 without one
	leastRTT    time.Duration // the least of them: a queue that stays is in all, what varies is not
	rate        float64       // the highest sample of the rate of delivery
	mean        float64       // bytes per second that were delivered in it; 0 if it took no time
	inFlight    int           // the most, bytes
	appLimited  bool          // for all of it
}

// lossShare returns how much of what was sent was lost.
func (r *roundStats) lossShare() float64 {
	if r.acked+r.lost == 0 {
		return 0
	}
	return float64(r.lost) / float64(r.acked+r.lost)
}

// lostMore reports whether more than share was lost, beyond what chance would
// have it: by two standard deviations of a Poisson count of segments, and two
// segments.
func (r *roundStats) lostMore(share, segment float64) bool {
	expected := share * float64(r.acked+r.lost) / segment
	return float64(r.lost)/segment > expected+2*math.Sqrt(expected)+2
}

// roundMeter counts round trips by what is delivered: one ends when a segment is
// acknowledged that was sent after it began (draft-ietf-ccwg-bbr-03, section
// 5.5.1).
type roundMeter struct {
	count, mark int // rounds so far; a caller's note of it
	end         int64
	since       time.Time // the round under way
	now         roundStats
	last        roundStats // the round that ended last
	before      roundStats // the one before it
	samples     int
	sum         time.Duration
}

// acked takes an acknowledgement that brought delivery to delivered bytes, at a
// rate of rate. It reports whether a round has ended: last is it then.
func (r *roundMeter) acked(now time.Time, a AckSample, delivered int64, rate float64) bool {
	if r.now.acked == 0 {
		r.now.appLimited = true
	}
	r.now.acked += a.Bytes
	r.now.inFlight = max(r.now.inFlight, a.InFlight)
	r.now.rate = max(r.now.rate, rate)
	r.now.appLimited = r.now.appLimited && (a.SentAt.IsZero() || a.Sent.appLimited)
	if a.RTT > 0 {
		r.samples++
		r.sum += a.RTT
		if r.now.leastRTT == 0 || a.RTT < r.now.leastRTT {
			r.now.leastRTT = a.RTT
		}
	}
	if a.SentAt.IsZero() || a.Sent.delivered < r.end {
		return false
	}
	if r.samples > 0 {
		r.now.rtt = r.sum / time.Duration(r.samples)
	}
	if took := now.Sub(r.since); took > 0 && !r.since.IsZero() {
		r.now.mean = float64(r.now.acked) / took.Seconds()
	}
	r.since = now
	r.before, r.last = r.last, r.now
	r.now, r.samples, r.sum = roundStats{}, 0, 0
	r.end = delivered
	r.count++
	return true
}
