package arq

import (
	"math"
	"testing"
	"time"
)

// path acknowledges what a Cubic sends over a path of one round trip, a segment
// at a time, spread over the round trip.
type path struct {
	c   *Cubic
	now time.Time
	rtt time.Duration
}

func newPath(segments float64, rtt time.Duration) *path {
	c := NewCubic(simSegment)
	c.window = segments * simSegment
	return &path{c: c, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), rtt: rtt}
}

func (p *path) segments() float64 { return p.c.window / simSegment }

// round acknowledges one window.
func (p *path) round(limited bool) {
	n := int(p.segments())
	for range n {
		p.now = p.now.Add(p.rtt / time.Duration(n))
		p.c.OnAck(p.now, AckSample{
			Bytes: simSegment, SentAt: p.now.Add(-p.rtt), RTT: p.rtt,
			SmoothedRTT: p.rtt, MinRTT: p.rtt, WindowLimited: limited,
		})
	}
}

// lose has a segment lost that was sent one round trip ago.
func (p *path) lose() {
	p.c.OnLoss(p.now, LossSample{Bytes: simSegment, SentAt: p.now.Add(-p.rtt)})
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: %.2f, want %.2f", what, got, want)
	}
}

// TestCubicInitialWindow: RFC 9002, section 7.2.
func TestCubicInitialWindow(t *testing.T) {
	for segment, want := range map[int]int{500: 5000, 1200: 12000, 1472: 14720, 1500: 14720, 8000: 16000, 65000: 130000} {
		if got := NewCubic(segment).Window(); got != want {
			t.Errorf("segments of %d bytes: window %d, want %d", segment, got, want)
		}
	}
}

// TestCubicReduction: a loss takes the window to 0.7 of it, once in a round
// trip, down to two segments (RFC 9438, sections 4.6 and 4.7; RFC 9002, 7.3.2).
func TestCubicReduction(t *testing.T) {
	p := newPath(100, 100*ms)
	p.lose()
	near(t, "after a loss", p.segments(), 70, 1e-9)
	p.now = p.now.Add(50 * ms)
	p.lose() // sent before the reduction
	p.now = p.now.Add(50*ms - 1)
	p.lose()
	near(t, "after more losses of that round trip", p.segments(), 70, 1e-9)
	p.now = p.now.Add(1)
	p.lose()
	near(t, "after a loss of the next", p.segments(), 49, 1e-9)
	for range 20 {
		p.now = p.now.Add(p.rtt)
		p.lose()
	}
	near(t, "after many", p.segments(), 2, 1e-9)
}

// TestCubicReturns: the window comes back along W_cubic(t) = C*(t-K)^3 + W_max,
// first concave, flat at W_max after K = cbrt(0.3*W_max/C), then convex
// (section 4.2).
func TestCubicReturns(t *testing.T) {
	const wMax = 500.0
	p := newPath(wMax, 100*ms)
	p.lose()
	start, k := p.now, math.Cbrt(wMax*(1-0.7)/0.4)
	slowest, flat := math.Inf(1), 0.0
	for elapsed := 0.0; elapsed < 1.7*k; {
		last := p.segments()
		for range 10 {
			p.round(true)
			elapsed = p.now.Sub(start).Seconds()
			near(t, "window", p.segments(), 0.4*math.Pow(elapsed-k, 3)+wMax, 0.02)
		}
		gain := p.segments() - last
		if gain < 0 {
			t.Fatalf("after %.1f s the window falls by %.2f", elapsed, -gain)
		}
		if gain < slowest {
			slowest, flat = gain, elapsed
		}
	}
	near(t, "slowest after", flat, k, 0.15)
}

// TestCubicIsNoSlowerThanReno: where the cubic is slower than Reno, on a short
// path, the window grows as Reno's would with CUBIC's reduction: by 0.53
// segments in a round trip up to the window of before, then by one (section 4.3).
func TestCubicIsNoSlowerThanReno(t *testing.T) {
	p := newPath(20, 5*ms)
	p.lose()
	p.now = p.now.Add(p.rtt)
	for range 10 {
		p.round(true)
	}
	near(t, "after 10 round trips", p.segments(), 14+10*0.529, 0.04)
	for p.segments() < 20 {
		p.round(true)
	}
	from := p.segments()
	for range 20 {
		p.round(true)
	}
	near(t, "20 round trips above the window of before", p.segments(), from+20, 0.04)
}

// TestCubicFastConvergence: a loss below the maximum of before makes room for
// another flow (section 4.7).
func TestCubicFastConvergence(t *testing.T) {
	p := newPath(100, 100*ms)
	p.lose()
	near(t, "W_max", p.c.wMax, 100, 1e-9)
	p.now = p.now.Add(p.rtt)
	p.lose()
	near(t, "W_max after a loss below it", p.c.wMax, 70*(1+0.7)/2, 1e-9)
}

// TestCubicWithoutWork: acknowledgements of a sender that had too little to
// send, and those of what was sent before a reduction, are no reason to grow.
func TestCubicWithoutWork(t *testing.T) {
	for _, slow := range []bool{true, false} {
		p := newPath(50, 100*ms)
		if !slow {
			p.lose()
		}
		before := p.c.window
		for range 20 {
			p.round(false)
		}
		if p.c.window != before {
			t.Errorf("slow start %v: window %.0f, was %.0f", slow, p.c.window, before)
		}
		p.round(true)
		if p.c.window <= before {
			t.Errorf("slow start %v: the window does not grow with work either", slow)
		}
	}
	p := newPath(50, 100*ms)
	p.lose()
	before := p.c.window
	p.c.OnAck(p.now, AckSample{Bytes: simSegment, SentAt: p.now.Add(-1), SmoothedRTT: p.rtt, WindowLimited: true})
	if p.c.window != before {
		t.Error("what was sent before the reduction widens the window")
	}
}

// TestCubicSilence: after silence the window is two segments, and slow start
// takes it to 0.7 of what it was (RFC 9002, section 7.6.2; RFC 9438, 4.8).
func TestCubicSilence(t *testing.T) {
	p := newPath(100, 100*ms)
	p.lose()
	p.now = p.now.Add(p.rtt)
	p.c.OnSilence(p.now)
	near(t, "after silence", p.segments(), 2, 1e-9)
	p.now = p.now.Add(p.rtt)
	for i, want := range []float64{4, 8, 16, 32, 49.5} {
		p.round(true)
		if near(t, "slow start", p.segments(), want, 0.05); t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
}

// TestCubicPacing: twice the window in a round trip in slow start, 1.25 of it
// after (RFC 9002, section 7.7), none on a LAN.
func TestCubicPacing(t *testing.T) {
	p := newPath(100, 100*ms)
	p.round(false)
	near(t, "slow start", p.c.PacingRate(), 2*100*simSegment/0.1, 1e-9)
	p.lose()
	near(t, "avoidance", p.c.PacingRate(), 1.25*70*simSegment/0.1, 1e-9)
	p.rtt = lanRTT
	p.round(false)
	near(t, "2 ms", p.c.PacingRate(), 1.25*70*simSegment/0.002, 1e-9)
	p.rtt = lanRTT - 1
	p.round(false)
	if r := p.c.PacingRate(); r != 0 {
		t.Errorf("LAN: paced at %.0f", r)
	}
}

// TestCubicSegments: another segment size leaves the curve where it was, in bytes.
func TestCubicSegments(t *testing.T) {
	p := newPath(100, 100*ms)
	p.lose()
	p.c.SetSegment(8 * simSegment)
	near(t, "window", p.c.window, 70*simSegment, 1e-9)
	near(t, "W_max in bytes", p.c.wMax*p.c.segment, 100*simSegment, 1e-9)
	p.c.SetSegment(50 * simSegment)
	near(t, "window of two segments", p.c.window, 100*simSegment, 1e-9)
}

// TestCubicFillsALink: 100 Mbit/s, 50 ms, a drop-tail queue of one
// bandwidth-delay product.
func TestCubicFillsALink(t *testing.T) {
	m := newSim(t, 1, Config{Controller: NewCubic(simSegment)})
	m.segmentTime = 80 * time.Microsecond
	m.delay, m.queue = 25*ms, 50*ms
	m.sender.ObserveRTT(50 * ms)
	const size = 80e6
	took := m.fetch(size, 20*time.Second)
	utilisation := size / simSegment * m.segmentTime.Seconds() / took.Seconds()
	s := m.sender.Stats()
	t.Logf("utilisation %.3f, %d of %d dropped, %+v", utilisation, m.overflowed, s.Segments, s)
	if utilisation < 0.9 {
		t.Errorf("utilisation %.3f, want 0.9", utilisation)
	}
	if m.overflowed == 0 {
		t.Error("the queue never overflowed: this was no test of loss")
	}
	if wasted := float64(s.Repeated) - float64(m.overflowed); wasted > 0.01*float64(s.Segments) {
		t.Errorf("%d repeats for %d dropped", s.Repeated, m.overflowed)
	}
}
