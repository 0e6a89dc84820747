package arq

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// quiet acknowledges what a Background sends, a segment at a time, over a path
// of 40 ms with a queue of its own choosing.
type quiet struct {
	b     *Background
	now   time.Time
	queue time.Duration
}

func newQuiet(segments float64) *quiet {
	q := &quiet{b: NewBackground(simSegment), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	q.b.window = segments * simSegment
	return q
}

func (q *quiet) segments() float64 { return q.b.window / simSegment }

// round acknowledges a window, spread over a round trip.
func (q *quiet) round(limited bool) {
	rtt := 40*ms + q.queue
	n := max(recentRTTs, int(q.segments()))
	for range n {
		q.now = q.now.Add(rtt / time.Duration(n))
		q.b.OnAck(q.now, AckSample{
			Bytes: simSegment, SentAt: q.now.Add(-rtt), RTT: rtt, SmoothedRTT: rtt, MinRTT: 40 * ms, WindowLimited: limited,
		})
	}
}

// avoids returns one that has done with slow start and its slowdown.
func avoids(segments float64) *quiet {
	q := newQuiet(segments)
	q.b.threshold, q.b.begun = q.b.window, true
	q.round(false) // so that the path is known
	return q
}

// TestBackgroundSlowStart: it grows by a third a round trip on a path of 40 ms
// (2*60/40), ends at three quarters of the target, which is 5 ms here, and two
// round trips later the initial slowdown begins: two segments, for two round
// trips, and then back to where it was.
func TestBackgroundSlowStart(t *testing.T) {
	q := newQuiet(30)
	q.round(true)
	near(t, "after a round trip", q.segments(), 40, 0.06)
	q.queue = 3 * ms
	before := q.segments()
	if q.round(true); q.segments() < 1.2*before || q.b.Phase() != "slow start" {
		t.Errorf("%.1f after %.1f segments with 3 ms of queue, %s", q.segments(), before, q.b.Phase())
	}
	q.queue = 4 * ms
	q.round(true)
	if q.b.Phase() != "avoidance" {
		t.Fatalf("%s with 4 ms of queue", q.b.Phase())
	}
	full := q.segments()
	near(t, "without the queue", full, before*4/3*40/44, 0.1)
	q.queue = 0
	rounds := 0
	for ; q.b.Phase() != "slowdown" && rounds < 9; rounds++ {
		q.round(true)
	}
	if rounds > slowdownRounds+1 || q.segments() != backgroundFloor {
		t.Fatalf("after %d round trips: %s, %.1f segments", rounds, q.b.Phase(), q.segments())
	}
	for rounds = 0; q.b.Phase() == "slowdown" && rounds < 9; rounds++ {
		q.round(true)
	}
	if rounds < 1 || rounds > slowdownRounds {
		t.Errorf("the slowdown takes %d round trips", rounds)
	}
	for range 30 {
		if q.segments() > full {
			q.queue = 4 * ms
		}
		q.round(true)
	}
	near(t, "after the slowdown", q.segments(), full, 0.35)
}

// TestBackgroundSpacesSlowdowns: nine times as long lies between two as one takes.
func TestBackgroundSpacesSlowdowns(t *testing.T) {
	q := avoids(100)
	q.b.slowDown(q.now)
	began := q.now
	for q.b.slowAt.IsZero() && q.now.Sub(began) < time.Minute {
		if q.segments() > 80 { // the path is full
			q.queue = 4 * ms
		}
		q.round(true)
	}
	took, end := q.now.Sub(began), q.now
	for q.b.Phase() != "slowdown" && q.now.Sub(end) < time.Minute {
		q.round(true)
	}
	if got := float64(q.now.Sub(end)) / float64(took); got < 8.3 || got > 9.6 {
		t.Errorf("a slowdown of %v, and %.1f times as long to the next", took, got)
	}
}

// TestBackgroundGrowsSlowerThanReno: by the gain in a round trip.
func TestBackgroundGrowsSlowerThanReno(t *testing.T) {
	for _, tc := range []struct {
		base time.Duration
		want float64
	}{
		{4 * ms, 1.0 / 16}, {10 * ms, 1.0 / 12}, {40 * ms, 1.0 / 3}, {100 * ms, 0.5}, {300 * ms, 0.5},
	} {
		b := NewBackground(simSegment)
		b.base.add(time.Unix(0, 0), tc.base)
		near(t, fmt.Sprint("gain over ", tc.base), b.gain(), tc.want, 1e-9)
	}
	q := avoids(50)
	for range 30 {
		q.round(true)
	}
	near(t, "after thirty round trips", q.segments(), 60, 0.03)
	before := q.segments()
	for range 30 {
		q.round(false) // with nothing more to send
	}
	near(t, "without work", q.segments(), before, 1e-9)
}

// TestBackgroundMakesRoom: in proportion to the delay that is too much, once in
// a round trip; at twice the target it is somebody else's, and it slows down.
func TestBackgroundMakesRoom(t *testing.T) {
	q := avoids(100)
	q.queue = 6 * ms // of 5 ms
	q.round(true)
	near(t, "a fifth too much", q.segments(), 80, 0.02)
	q.round(true)
	near(t, "and again", q.segments(), 64, 0.02)

	q = avoids(100)
	q.queue, q.b.slowRound = 60*ms, 9 // while no slowdown has been: its own startup may have made it
	q.round(true)
	near(t, "far too much", q.segments(), 50, 0.02)

	q = avoids(100)
	q.b.slowRound = 0
	q.queue = 11 * ms
	q.round(true)
	if q.b.Phase() != "slowdown" || q.segments() != backgroundFloor || math.Abs(q.b.threshold-50*simSegment) > simSegment {
		t.Errorf("%s, %.1f segments, to go back to %.1f", q.b.Phase(), q.segments(), q.b.threshold/simSegment)
	}
}

// TestBackgroundTarget: an eighth of the round trip, and 60 ms at most.
func TestBackgroundTarget(t *testing.T) {
	for base, want := range map[time.Duration]time.Duration{ms: 2 * ms, 40 * ms: 5 * ms, 300 * ms: 37500 * time.Microsecond, time.Second: 60 * ms} {
		b := NewBackground(simSegment)
		b.base.add(time.Unix(0, 0), base)
		if got := b.target(); got != want {
			t.Errorf("over %v: %v, want %v", base, got, want)
		}
	}
}

// TestBackgroundLoss: half, once in a round trip, and never below two segments.
func TestBackgroundLoss(t *testing.T) {
	q := avoids(100)
	lose := func(ago time.Duration) { q.b.OnLoss(q.now, LossSample{Bytes: simSegment, SentAt: q.now.Add(-ago)}) }
	lose(40 * ms)
	near(t, "after a loss", q.segments(), 50, 1e-9)
	q.now = q.now.Add(20 * ms)
	lose(40 * ms)
	near(t, "after a loss of the same round trip", q.segments(), 50, 1e-9)
	for range 10 {
		q.now = q.now.Add(50 * ms)
		lose(40 * ms)
	}
	near(t, "after many", q.segments(), backgroundFloor, 1e-9)

	q = newQuiet(100)
	q.round(true)
	lose(0)
	if q.b.slowRound != slowdownRounds || math.IsInf(q.b.threshold, 1) {
		t.Error("a loss does not end slow start")
	}
}

// TestBackgroundSilence: after silence nothing is known of the path.
func TestBackgroundSilence(t *testing.T) {
	q := avoids(100)
	q.b.OnSilence(q.now)
	if q.segments() != backgroundFloor || q.b.threshold != 50*simSegment || q.b.base.min() != 0 || q.b.samples != 0 {
		t.Errorf("%+v", q.b)
	}
}

// TestBaseRTT: the least of ten minutes, and no longer.
func TestBaseRTT(t *testing.T) {
	var r baseRTT
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if r.min() != 0 {
		t.Error("something is known before the first sample")
	}
	r.add(at, 30*ms)
	for minute := range baseHistory {
		if r.min() != 30*ms {
			t.Fatalf("%v after %d minutes", r.min(), minute)
		}
		at = at.Add(time.Minute)
		r.add(at, 50*ms)
	}
	if r.min() != 50*ms {
		t.Errorf("%v after ten minutes", r.min())
	}
	r.add(at.Add(24*time.Hour), 80*ms)
	if r.min() != 80*ms {
		t.Errorf("%v after a day", r.min())
	}
}

// TestBackgroundAlone: it uses the path, and its queue stays short.
func TestBackgroundAlone(t *testing.T) {
	for _, tc := range []struct {
		rate float64
		rtt  time.Duration
	}{{100 * mbit, 50 * ms}, {20 * mbit, 40 * ms}, {20 * mbit, 200 * ms}} {
		b := newBottleneck(t, tc.rate, tc.rtt, 0)
		b.queue = 4 * b.bdp()
		f := b.join(NewBackground(simSegment))
		f.send(1 << 40)
		b.run(10 * time.Second)
		f.meanRTT()
		used, mean := f.rateOver(30*time.Second), f.meanRTT()
		if used < 0.8 || mean > tc.rtt+tc.rtt/backgroundDivisor+3*ms || b.overflowed > 0 {
			t.Errorf("%.0f bytes/s, %v: %.3f of the line, mean round trip %v, %d did not fit",
				tc.rate, tc.rtt, used, mean, b.overflowed)
		}
	}
}

// TestBackgroundYields: a CUBIC and a Model flow keep nine tenths of what they
// have alone beside a Background, whoever comes first.
func TestBackgroundYields(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	background := func(b *bottleneck) { b.join(NewBackground(simSegment)).send(1 << 40) }
	has := func(rate, queue float64, foreground int, join ...func(*bottleneck)) float64 {
		b := newBottleneck(t, rate, 50*ms, 0)
		b.queue = queue * b.bdp()
		for _, j := range join {
			b.run(5 * time.Second)
			j(b)
		}
		return b.flows[foreground].rateOver(25 * time.Second)
	}
	for _, tc := range []struct{ rate, queue float64 }{{100 * mbit, 1}, {20 * mbit, 2}} {
		for name, joins := range map[string]func(*bottleneck){"model": modelJoins, "cubic": cubicJoins} {
			alone := has(tc.rate, tc.queue, 0, joins)
			first := has(tc.rate, tc.queue, 0, joins, background) / alone
			second := has(tc.rate, tc.queue, 1, background, joins) / alone
			if first < 0.9 || second < 0.9 {
				t.Errorf("%.0f bytes/s, %v BDP: a %s flow keeps %.3f if it comes first, %.3f if second",
					tc.rate, tc.queue, name, first, second)
			}
		}
	}
}
