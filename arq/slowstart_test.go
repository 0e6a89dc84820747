package arq

import (
	"testing"
	"time"
)

// slowRounds runs a Cubic in slow start through rounds of these round trips and
// returns by how much each widened the window.
func slowRounds(p *path, rtts ...time.Duration) (growth []float64) {
	for _, rtt := range rtts {
		p.rtt = rtt
		before := p.segments()
		p.round(true)
		growth = append(growth, p.segments()/before)
	}
	return growth
}

// TestSlowStartDoubles while the round trip stays, or rises by less than an
// eighth of it (RFC 9406, section 4.2).
func TestSlowStartDoubles(t *testing.T) {
	p := newPath(10, 50*ms)
	for i, g := range slowRounds(p, 50*ms, 50*ms, 52*ms, 55*ms, 58*ms, 60*ms, 64*ms, 50*ms) {
		if near(t, "growth", g, 2, 0.05); t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
	if p.c.slow.conservative != 0 || p.c.slow.full {
		t.Errorf("%+v", p.c.slow)
	}
}

// TestSlowStartEnds when the round trip rises by an eighth: five rounds that
// grow by a quarter, then congestion avoidance.
func TestSlowStartEnds(t *testing.T) {
	p := newPath(10, 50*ms)
	slowRounds(p, 50*ms, 50*ms, 50*ms, 50*ms)
	from := p.segments()
	for i, g := range slowRounds(p, 58*ms, 60*ms, 62*ms, 64*ms, 66*ms) {
		want, tolerance := 1.25, 0.03
		if i == 0 { // what was sent before it belongs to the round of before
			tolerance = 0.2
		}
		if near(t, "growth", g, want, tolerance); t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
	near(t, "window", p.segments()/from, 3.05, 0.2)
	// A round begins and ends a little beside those of the test: in the sixth
	// at the latest slow start is over.
	slowRounds(p, 68*ms, 68*ms)
	if !p.c.slow.full || p.c.window < p.c.threshold {
		t.Fatalf("slow start goes on: %+v", p.c.slow)
	}
	if g := slowRounds(p, 68*ms)[0]; g > 1.02 {
		t.Errorf("the window grows by %.3f after slow start", g)
	}
}

// TestSlowStartResumes when the rise was spurious: the round trip falls below
// where it began.
func TestSlowStartResumes(t *testing.T) {
	p := newPath(20, 50*ms)
	slowRounds(p, 50*ms, 50*ms, 50*ms, 60*ms, 60*ms)
	if p.c.slow.conservative == 0 {
		t.Fatal("slow start did not become conservative")
	}
	slowRounds(p, 50*ms)
	near(t, "growth", slowRounds(p, 50*ms)[0], 2, 0.05)
	if p.c.slow.conservative != 0 {
		t.Errorf("%+v", p.c.slow)
	}
}

// TestSlowStartIgnoresJitter: the minimum of a round counts, of eight samples
// at least.
func TestSlowStartIgnoresJitter(t *testing.T) {
	var s slowStart
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ack := func(rtt time.Duration) float64 {
		now = now.Add(ms)
		return s.growth(now, AckSample{Bytes: 1000, SentAt: now.Add(-50 * ms), RTT: rtt})
	}
	for range 200 { // four rounds of a quiet path
		ack(50 * ms)
	}
	for i := range 400 { // a low sample now and then
		rtt := 90 * ms
		if i%7 == 6 {
			rtt = 50 * ms
		}
		if g := ack(rtt); g != 1000 {
			t.Fatalf("sample %d: grows by %.0f", i, g)
		}
	}
}

// TestSlowStartThreshold: the rise that counts is an eighth of the round trip,
// but 4 ms at least and 16 ms at most.
func TestSlowStartThreshold(t *testing.T) {
	for _, tc := range []struct{ rtt, rise time.Duration }{
		{8 * ms, 4 * ms}, {32 * ms, 4 * ms}, {64 * ms, 8 * ms}, {128 * ms, 16 * ms}, {600 * ms, 16 * ms},
	} {
		for _, below := range []time.Duration{1, 0} {
			p := newPath(100, tc.rtt)
			slowRounds(p, tc.rtt, tc.rtt, tc.rtt+tc.rise-below)
			if got, want := p.c.slow.conservative > 0, below == 0; got != want {
				t.Errorf("%v rises by %v: conservative %v, want %v", tc.rtt, tc.rise-below, got, want)
			}
		}
	}
}
