package arq

import (
	"testing"
	"time"
)

// TestRTT follows RFC 9002, section 5, by hand.
func TestRTT(t *testing.T) {
	type step struct {
		sample, ackDelay                        time.Duration
		latest, min, smoothed, variance, probes time.Duration
	}
	const us = time.Microsecond
	r := newRTT(333 * ms)
	if got := r.probeTimeout(5 * ms); got != 333*ms+2*333*ms+5*ms {
		t.Errorf("before the first sample the probe timeout is %v", got)
	}
	for i, s := range []step{
		{100 * ms, 40 * ms, 100 * ms, 100 * ms, 100 * ms, 50 * ms, 305 * ms}, // the first is taken as it is
		{180 * ms, 0, 180 * ms, 100 * ms, 110 * ms, 57500 * us, 345 * ms},
		{112 * ms, 2 * ms, 110 * ms, 100 * ms, 110 * ms, 43125 * us, 287500 * us},
		{102 * ms, 4 * ms, 102 * ms, 100 * ms, 109 * ms, 34343750, 251375 * us}, // 98 ms would undercut the minimum
		{61 * ms, 1 * ms, 61 * ms, 61 * ms, 103 * ms, 37757812, 0},              // a new minimum, raw
	} {
		r.update(s.sample, s.ackDelay)
		if r.latest != s.latest || r.min != s.min || r.smoothed != s.smoothed || r.variance != s.variance {
			t.Fatalf("step %d: %+v, want %+v", i, r, s)
		}
		if got := r.probeTimeout(5 * ms); s.probes != 0 && got != s.probes {
			t.Fatalf("step %d: probe timeout %v, want %v", i, got, s.probes)
		}
	}
}

// TestRTTOfNothing: a sample of no time, as a coarse clock gives, is a
// microsecond, and a timer is no finer than a millisecond.
func TestRTTOfNothing(t *testing.T) {
	r := newRTT(333 * ms)
	for range 100 {
		r.update(0, 0)
	}
	if r.min != time.Microsecond || r.smoothed != time.Microsecond {
		t.Errorf("%+v", r)
	}
	if got := r.probeTimeout(0); got != time.Microsecond+granularity {
		t.Errorf("probe timeout %v", got)
	}
}
