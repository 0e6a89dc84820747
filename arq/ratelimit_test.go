package arq

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// TestRateLimitIsExact: over any controller and path what is sent is what was
// allowed, to a burst; and no window of 50 ms holds more than its share, what the
// bucket saves up, and a burst. What arrives is as much, less what was lost.
func TestRateLimitIsExact(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cc    func(rtt time.Duration) Controller
		rate  float64 // of the line
		rtt   time.Duration
		limit float64
	}{
		{"model", func(d time.Duration) Controller { return NewModel(simSegment, d, 1) }, 100 * mbit, 50 * ms, 20 * mbit},
		{"model, LAN", func(d time.Duration) Controller { return NewModel(simSegment, d, 1) }, 1000 * mbit, ms / 2, 40 * mbit},
		{"model, trickle", func(d time.Duration) Controller { return NewModel(simSegment, d, 1) }, 100 * mbit, 50 * ms, 10e3},
		{"cubic", func(time.Duration) Controller { return NewCubic(simSegment) }, 100 * mbit, 50 * ms, 20 * mbit},
		{"cubic, LAN", func(time.Duration) Controller { return NewCubic(simSegment) }, 1000 * mbit, ms / 2, 40 * mbit},
		{"fixed", func(time.Duration) Controller { return &Fixed{WindowBytes: 1 << 24} }, 100 * mbit, 50 * ms, 20 * mbit},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBottleneck(t, tc.rate, tc.rtt, 0)
			f := b.join(NewRateLimit(tc.cc(tc.rtt), tc.limit, simSegment))
			f.send(1 << 40)
			b.run(2 * time.Second) // startup
			const bin = 50 * ms
			before, most := f.sender.Stats().Bytes, 0.0
			begin := before
			for range 200 {
				b.run(bin)
				now := f.sender.Stats().Bytes
				most = max(most, float64(now-before))
				before = now
			}
			sent, burst := float64(before-begin), float64(2*simSegment)+tc.limit*burstTime.Seconds()
			if want := 10 * tc.limit; math.Abs(sent-want) > burst+0.001*want {
				t.Errorf("%.0f bytes in ten seconds, want %.0f", sent, want)
			}
			if bound := tc.limit*(bin+limitDepth).Seconds() + burst; most > bound {
				t.Errorf("%.0f bytes in %v, want at most %.0f", most, bin, bound)
			}
			if share := float64(f.arrived) / (12 * tc.limit); share < 0.9 {
				t.Errorf("%.3f of the limit arrived", share)
			}
		})
	}
}

// TestRateLimitLateDriver: a driver that wakes up late by less than the bucket
// holds loses no rate, on a path where no window is in the way.
func TestRateLimitLateDriver(t *testing.T) {
	const rate = 5e6
	l := NewRateLimit(&Fixed{WindowBytes: 1 << 30}, rate, simSegment)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	start, sent, waits := now, 0.0, 0
	for now.Sub(start) < 10*time.Second {
		if at := l.SendAt(now); at.After(now) {
			now = at.Add(limitDepth / 2)
			waits++
			continue
		}
		l.OnSend(now, 4*simSegment)
		sent += 4 * simSegment
	}
	if want := rate * now.Sub(start).Seconds(); math.Abs(sent-want) > 0.002*want {
		t.Errorf("%.0f bytes, want %.0f", sent, want)
	}
	if waits < 100 {
		t.Errorf("the driver waited %d times only", waits)
	}
}

// TestRateLimitStartsWithNothingSaved: the first burst goes at once, and the
// second waits for its time.
func TestRateLimitStartsWithNothingSaved(t *testing.T) {
	l := NewRateLimit(&Fixed{WindowBytes: 1 << 30}, 1e6, simSegment)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if at := l.SendAt(now); at != now {
		t.Fatalf("the first waits for %v", at.Sub(now))
	}
	l.OnSend(now, 10*simSegment)
	if wait := l.SendAt(now).Sub(now); wait < 9990*time.Microsecond || wait > 10010*time.Microsecond {
		t.Errorf("after 10,000 bytes at 1 MB/s the next waits for %v", wait)
	}
}

// TestRateLimitAboveThePath: a limit that the path does not reach changes
// nothing.
func TestRateLimitAboveThePath(t *testing.T) {
	var arrived [2]int64
	for i := range arrived {
		b := newBottleneck(t, 50*mbit, 40*ms, 0)
		b.queue = b.bdp()
		var cc Controller = NewModel(simSegment, b.delay, 1)
		if i == 1 {
			cc = NewRateLimit(cc, 1000*mbit, simSegment)
		}
		f := b.join(cc)
		f.send(1 << 40)
		b.run(8 * time.Second)
		arrived[i] = f.arrived
	}
	if math.Abs(float64(arrived[0]-arrived[1])) > 0.005*float64(arrived[0]) {
		t.Errorf("%d bytes without a limit, %d with one", arrived[0], arrived[1])
	}
}

// TestRateLimitIsNoPath: neither does a limit widen a window that it keeps from
// being used, nor is loss by chance below it taken for congestion, nor is the
// limit taken for the path's rate once there is none.
func TestRateLimitIsNoPath(t *testing.T) {
	cubic := NewCubic(simSegment)
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.join(NewRateLimit(cubic, 10*mbit, simSegment)).send(1 << 40)
	b.run(10 * time.Second)
	if w := float64(cubic.Window()) / (10 * mbit * 0.05); w > 4 {
		t.Errorf("CUBIC's window is %.1f of what the limit keeps in flight", w)
	}

	b = newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue, b.loss = b.bdp(), 0.03
	m := NewModel(simSegment, b.delay, 1)
	f := b.join(NewRateLimit(m, 10*mbit, simSegment))
	f.send(1 << 40)
	b.every(10*ms, func() {
		if !math.IsInf(m.bound, 1) || !math.IsInf(m.shortRate, 1) {
			t.Fatalf("at %v: loss by chance under a limit is congestion (%v)", b.elapsed(), m.Phase())
		}
	})
	if got := f.rateOver(20*time.Second) * b.rate; got < 0.96*10*mbit {
		t.Errorf("%.0f bytes per second of %.0f arrive", got, 10.0*mbit)
	}
	if m.phase != phaseStartup { // which ends when the path has been seen full
		t.Errorf("the limit is taken for the path's rate: %v", m.phase)
	}
}

// TestRateLimitPacingRate: the slower of the two.
func TestRateLimitPacingRate(t *testing.T) {
	for _, tc := range []struct{ inner, want float64 }{{0, 1e6}, {2e6, 1e6}, {5e5, 5e5}} {
		if got := NewRateLimit(&Fixed{RateBytesPerSec: tc.inner}, 1e6, simSegment).PacingRate(); got != tc.want {
			t.Errorf("1 MB/s over %.0f: %.0f", tc.inner, got)
		}
	}
}

// TestRateLimitPanics: no rate is no limit.
func TestRateLimitPanics(t *testing.T) {
	for _, rate := range []float64{0, -1, math.NaN()} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			NewRateLimit(&Fixed{}, rate, simSegment)
		})
	}
}
