package arq

import (
	"math"
	"testing"
	"time"
)

// TestModelStartup: the rate doubles from round trip to round trip, and startup
// ends when it has stopped growing, though the queue would take ten round trips
// more.
func TestModelStartup(t *testing.T) {
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue = 10 * b.bdp()
	f := b.joinModel()
	b.run(51 * ms) // nothing is acknowledged before
	for before := f.rateOver(50 * ms); before < 0.4; {
		got := f.rateOver(50 * ms)
		if got < 1.8*before {
			t.Errorf("at %v: %.3f of the line after %.3f, a round trip before", b.elapsed(), got, before)
		}
		before = got
	}
	for f.model.phase == phaseStartup && b.elapsed() < 2*time.Second {
		b.run(10 * ms)
	}
	if b.elapsed() > 12*b.delay {
		t.Errorf("startup ends after %v", b.elapsed())
	}
	// A queue shows a round trip late, and until then startup paces at 2.77.
	if b.peak > 2.5*b.bdp() || b.overflowed > 0 {
		t.Errorf("a queue of %.2f BDP, %d segments did not fit", b.peak/b.bdp(), b.overflowed)
	}
	b.run(5 * b.delay)
	if got := b.backlog() / b.bdp(); got > 0.2 {
		t.Errorf("%.2f BDP are left of startup's queue", got)
	}
}

// TestModelCleanPath: a path is used, and its round trip stays short, however
// deep its queue.
func TestModelCleanPath(t *testing.T) {
	for _, queue := range []float64{1, 4, 20} {
		b := newBottleneck(t, 100*mbit, 50*ms, 0)
		b.queue = queue * b.bdp()
		f := b.joinModel()
		used := f.rateOver(6 * time.Second)
		if mean := f.meanRTT(); used < 0.9 || mean > 65*ms {
			t.Errorf("queue of %v BDP: %.3f of the line, mean round trip %v", queue, used, mean)
		}
	}
}

// TestModelRandomLoss: loss by chance costs its repeats and no more. What is
// lost is sent on top, so that the line is full.
func TestModelRandomLoss(t *testing.T) {
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue, b.loss = 4*b.bdp(), 0.05
	f := b.joinModel()
	b.run(time.Second)
	short := false
	b.every(10*ms, func() {
		if !math.IsInf(f.model.bound, 1) {
			t.Fatalf("at %v: congestion is seen, %.2f BDP the bound", b.elapsed(), f.model.bound/b.bdp())
		}
		short = short || f.model.shortRate < 0.9*f.model.bandwidth.max()
	})
	carried, arrived := b.carried, f.arrived
	b.run(8 * time.Second)
	whole := b.rate * 8
	if line := float64(b.carried-carried) / whole; line < 0.97 {
		t.Errorf("the line is used to %.3f", line)
	}
	if got := float64(f.arrived-arrived) / whole; got < 0.92 {
		t.Errorf("%.3f of the line arrived, %.2f was to be had", got, 1-b.loss)
	}
	if g := f.model.gate.random; g < 0.03 || g > 0.07 {
		t.Errorf("loss by chance is taken for %.3f", g)
	}
	if short {
		t.Error("the rate was lowered")
	}
	if st := f.sender.Stats(); b.dropped == 0 || float64(st.Repeated)/float64(st.Segments) > 0.06 {
		t.Errorf("%d dropped, %d of %d repeated", b.dropped, st.Repeated, st.Segments)
	}
}

// TestModelSmallQueue: a queue of 16 KiB overflows with each probe, but not in
// between: no line is filled by making up for the loss that this causes.
func TestModelSmallQueue(t *testing.T) {
	b := newBottleneck(t, 20*mbit, 40*ms, 16<<10)
	f := b.joinModel()
	b.every(10*ms, func() {
		if g := f.model.gate.random; g > 0.03 {
			t.Fatalf("at %v: %.3f of what the queue drops is taken for chance", b.elapsed(), g)
		}
	})
	used := f.rateOver(14 * time.Second)
	st := f.sender.Stats()
	repeated := float64(st.Repeated) / float64(st.Segments)
	if used < 0.95 || repeated > 0.03 || b.overflowed == 0 {
		t.Errorf("%.3f of the line, %.3f repeated, %d did not fit", used, repeated, b.overflowed)
	}
}

// TestModelLossDoesNotFeedItself: beside loss by chance a small queue overflows.
// The more is made up for, the more overflows: that must settle below what is
// lost by chance alone.
func TestModelLossDoesNotFeedItself(t *testing.T) {
	b := newBottleneck(t, 20*mbit, 40*ms, 16<<10)
	b.loss = 0.05
	f := b.joinModel()
	b.run(3 * time.Second)
	b.every(10*ms, func() {
		if g := f.model.gate.random; g > 0.08 {
			t.Fatalf("at %v: %.3f is taken for chance, %.2f is", b.elapsed(), g, b.loss)
		}
	})
	overflowed, carried := b.overflowed, b.carried
	b.run(10 * time.Second)
	if share := float64(b.overflowed-overflowed) * simSegment / float64(b.carried-carried); share > 0.03 {
		t.Errorf("%.3f overflows", share)
	}
}

// TestModelFirstWindowByChance: a burst of losses takes a third of the first window.
// That is more than the evidence asks for, and startup begins again all the same.
func TestModelFirstWindowByChance(t *testing.T) {
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue = 2 * b.bdp()
	f := b.joinModel()
	b.after(5*ms, func() { b.down = true })
	b.after(14*ms, func() { b.down = false })
	b.run(400 * time.Millisecond)
	if st := f.sender.Stats(); st.Lost < 10 || st.Lost > 25 {
		t.Fatalf("%d of the first segments were lost", st.Lost)
	}
	if used := f.rateOver(time.Second); used < 0.95 {
		t.Errorf("%.3f of the line after that", used)
	}
}

// TestModelFirstWindowTooLarge: where a line cannot take the first window, startup begins
// again once, and that loses no more than the first time.
func TestModelFirstWindowTooLarge(t *testing.T) {
	b := newBottleneck(t, 4*mbit, 50*ms, 4000)
	f := b.joinModel()
	b.run(200 * time.Millisecond)
	first, starts := b.overflowed, 0
	for range 300 {
		before := f.model.phase
		b.run(10 * time.Millisecond)
		if f.model.phase == phaseStartup && before != phaseStartup {
			starts++
		}
	}
	if again := b.overflowed - first; first < 50 || starts != 1 || again > first {
		t.Errorf("%d lost at first, %d in %d further startups", first, again, starts)
	}
}

// TestModelPolicer: a policer drops without a queue, so that no round trip tells
// of it, and its bucket makes it look faster than it is. Its rate is had, and
// little is dropped. Without a probe soon after startup it drops 0.09 at first.
func TestModelPolicer(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 60000)
	b.polices = true
	f := b.joinModel()
	dropped := func(d time.Duration) float64 {
		overflowed, carried := b.overflowed, b.carried
		b.run(d)
		lost := float64(b.overflowed-overflowed) * simSegment
		return lost / (lost + float64(b.carried-carried))
	}
	if share := dropped(16 * time.Second); share > 0.06 {
		t.Errorf("%.3f dropped at first", share)
	}
	arrived := f.arrived
	if share := dropped(4 * time.Second); share > 0.1 {
		t.Errorf("%.3f dropped after 16 seconds", share)
	}
	if used := float64(f.arrived-arrived) / (4 * b.rate); used < 0.95 {
		t.Errorf("%.3f of the rate", used)
	}
}

// TestModelJitter: acknowledgements that overtake each other neither hide the
// rate nor inflate it.
func TestModelJitter(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue, b.jitter = 4*b.bdp(), 10*ms
	f := b.joinModel()
	b.run(time.Second)
	if used := f.rateOver(4 * time.Second); used < 0.9 {
		t.Errorf("%.3f of the line", used)
	}
	if got := f.model.bandwidth.max() / b.rate; got < 0.95 || got > 1.2 {
		t.Errorf("the line is believed to carry %.2f of its rate", got)
	}
}

// TestModelSilence: after silence nothing is known of the path, but what is in
// flight.
func TestModelSilence(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 16<<10)
	b.loss = 0.05
	f := b.joinModel()
	b.run(4 * time.Second)
	m, before := f.model, f.model.InFlight()
	if m.phase == phaseStartup || m.gate.random == 0 || math.IsInf(m.bound, 1) {
		t.Fatalf("nothing was known: %+v", m)
	}
	m.OnSilence(b.now)
	if m.phase != phaseStartup || m.Window() != minWindow*simSegment || m.InFlight() != before {
		t.Errorf("phase %v, window %d, %d bytes in flight after %d", m.phase, m.Window(), m.InFlight(), before)
	}
	if m.gate.random != 0 || m.bandwidth.max() != 0 || !math.IsInf(m.bound, 1) || !math.IsInf(m.shortRate, 1) {
		t.Errorf("of the path before is known: %+v", m)
	}
	if r, want := m.PacingRate(), 0.01*b.rate*10; r > want {
		t.Errorf("%.0f bytes per second", r)
	}
}

// TestModelRefill: a probe begins from the whole rate, whatever was lowered
// since the last.
func TestModelRefill(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue = b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	f.model.shortRate = b.rate / 2
	if got := f.model.rate(); got > 0.6*b.rate {
		t.Fatalf("%.2f of the line though half is set", got/b.rate)
	}
	f.model.enter(b.now, phaseRefill)
	if got := f.model.PacingRate() / b.rate; got < 0.95 || got > 1.05 {
		t.Errorf("%.2f of the line", got)
	}
}

// TestModelApplicationLimited: little work says nothing of the path. The
// estimate stays when there is little to send, and is not inflated when that
// comes in bursts after pauses.
func TestModelApplicationLimited(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue = 4 * b.bdp()
	f := b.join(NewModel(simSegment, b.delay, 1))
	f.send(int64(3 * b.rate))
	b.run(4 * time.Second)
	if !f.sender.Idle() {
		t.Fatal("the first three seconds' worth is not through")
	}
	known := f.model.bandwidth.max()
	b.every(100*ms, func() { f.send(20 * simSegment) }) // 1.6 Mbit/s
	b.every(10*ms, func() {
		if got := f.model.bandwidth.max() / b.rate; got < 0.95*known/b.rate || got > 1.05 {
			t.Fatalf("at %v: the line is believed to carry %.2f of its rate", b.elapsed(), got)
		}
	})
	b.run(10 * time.Second)
	f.send(int64(4 * b.rate))
	b.run(500 * ms)
	if used := f.rateOver(time.Second); used < 0.9 {
		t.Errorf("%.3f of the line once there is work again", used)
	}
}

// TestModelLittleWork: who has never had more to send than a trickle learns no
// more of the path than that, and does not leave startup for it.
func TestModelLittleWork(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	f := b.join(NewModel(simSegment, b.delay, 1))
	b.every(100*ms, func() { f.send(10 * simSegment) })
	b.run(5 * time.Second)
	if p := f.model.phase; p != phaseStartup {
		t.Errorf("phase %v", p)
	}
	f.send(1 << 40)
	b.run(time.Second)
	if used := f.rateOver(time.Second); used < 0.9 {
		t.Errorf("%.3f of the line", used)
	}
}

// TestModelInitialRate: the first window is spread over half a round trip, and over
// 25 ms at most, not sent in one burst.
func TestModelInitialRate(t *testing.T) {
	for _, tc := range []struct {
		segment, window int
		rtt, over       time.Duration
	}{
		{500, 24000, 100 * ms, 25 * ms},
		{1180, 56640, 20 * ms, 10 * ms},
		{1440, 58880, 100 * ms, 25 * ms},
		{8940, 58880, 100 * ms, 25 * ms},
		{65475, 130950, 40 * ms, 20 * ms},
	} {
		m := NewModel(tc.segment, tc.rtt, 1)
		if got := m.Window(); got != tc.window {
			t.Errorf("segments of %d: %d bytes, want %d", tc.segment, got, tc.window)
		}
		if got, want := m.PacingRate(), float64(tc.window)/tc.over.Seconds(); math.Abs(got-want) > 1 {
			t.Errorf("segments of %d, %v: %.0f bytes per second, want %.0f", tc.segment, tc.rtt, got, want)
		}
	}
}

// TestModelSeeds: Models that share a path do not probe at the same time, and
// the same seed gives the same times.
func TestModelSeeds(t *testing.T) {
	a, b, c := NewModel(simSegment, ms, 4), NewModel(simSegment, ms, 6), NewModel(simSegment, ms, 4)
	same := 0
	for range 10 {
		x, y, z := a.spread(time.Second), b.spread(time.Second), c.spread(time.Second)
		if x != z || x < 0 || x >= time.Second {
			t.Fatalf("%v and %v of the same seed", x, z)
		}
		if x == y {
			same++
		}
	}
	if same > 1 {
		t.Errorf("two seeds agree %d times of 10", same)
	}
}

// TestModelTraceChangesNothing: who looks on while a Model works does not change
// what it does.
func TestModelTraceChangesNothing(t *testing.T) {
	run := func(trace func(Event)) (time.Duration, Stats) {
		m := newSim(t, 5, Config{Trace: trace})
		m.segmentTime, m.delay, m.loss = 80*time.Microsecond, 20*ms, 0.01
		return m.fetch(3000*simSegment, time.Minute), m.sender.Stats()
	}
	a, x := run(nil)
	b, y := run(func(Event) {})
	if a != b || x != y {
		t.Errorf("%v without a trace, %v with one:\n%+v\n%+v", a, b, x, y)
	}
}
