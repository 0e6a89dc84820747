package arq

import "time"

// granularity is the finest that a timer is believed to be (RFC 9002, section
// 6.1.2; also what a sleep of the Go runtime is good to).
const granularity = time.Millisecond

// rttEstimator follows a path's round trip (RFC 6298; RFC 9002, section 5).
type rttEstimator struct {
	latest, min, smoothed, variance time.Duration
	sampled                         bool
}

func newRTT(initial time.Duration) rttEstimator {
	return rttEstimator{latest: initial, smoothed: initial, variance: initial / 2}
}

// update takes a sample: the time from sending a segment to its
// acknowledgement, and how long of it the peer held the acknowledgement back.
func (r *rttEstimator) update(sample, ackDelay time.Duration) {
	sample = max(sample, time.Microsecond)
	if !r.sampled {
		r.sampled = true
		r.latest, r.min, r.smoothed, r.variance = sample, sample, sample, sample/2
		return
	}
	r.min = min(r.min, sample)
	if sample-ackDelay >= r.min { // a delay that would undercut the minimum is not believed
		sample -= ackDelay
	}
	r.latest = sample
	r.variance = (3*r.variance + (r.smoothed - sample).Abs()) / 4
	r.smoothed = (7*r.smoothed + sample) / 8
}

// probeTimeout returns how long to wait for an acknowledgement before probing.
func (r *rttEstimator) probeTimeout(peerAckDelay time.Duration) time.Duration {
	return r.smoothed + max(4*r.variance, granularity) + peerAckDelay
}
