package arq

import (
	"math"
	"testing"
	"time"
)

// TestModelRateDoubles: the next probe finds the new rate, and goes on while
// there is more.
func TestModelRateDoubles(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 50*ms, 0)
	b.queue = 4 * b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	b.setRate(2 * b.rate)
	b.run(probeInterval + 2*time.Second) // a probe begins within a second more
	if used := f.rateOver(time.Second); used < 0.95 {
		t.Errorf("%.3f of the line", used)
	}
}

// TestModelRateHalves: what the line cannot take any more waits, at most to the
// window, and is gone when two cycles of probing have forgotten the old rate.
func TestModelRateHalves(t *testing.T) {
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue = 8 * b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	b.setRate(b.rate / 2)
	if used := f.rateOver(10 * time.Second); used < 0.97 {
		t.Errorf("%.3f of the line", used)
	}
	if b.overflowed > 0 {
		t.Errorf("%d segments did not fit", b.overflowed)
	}
	f.meanRTT()
	b.run(5 * time.Second)
	if mean := f.meanRTT(); mean > 75*ms {
		t.Errorf("mean round trip %v, %v without a queue", mean, b.delay)
	}
}

// TestModelRouteChange: a round trip that has risen for good looks like a queue
// that does not drain. When the old minimum is ten seconds old the window
// shrinks for long enough to see the new one, and the rate is back.
func TestModelRouteChange(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue = 4 * b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	b.delay = 100 * ms
	probed := false
	b.every(10*ms, func() { probed = probed || f.model.phase == phaseProbeRTT })
	if used := f.rateOver(10 * time.Second); used < 0.4 {
		t.Errorf("%.3f of the line while the round trip is in doubt", used)
	}
	b.run(2 * time.Second)
	if !probed || f.model.minRTT < 98*ms || f.model.minRTT > 110*ms {
		t.Errorf("minimum round trip %v; probed for it: %v", f.model.minRTT, probed)
	}
	if used := f.rateOver(3 * time.Second); used < 0.95 {
		t.Errorf("%.3f of the line afterwards", used)
	}
}

// TestModelShorterRoute: a shorter round trip is believed at once.
func TestModelShorterRoute(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 100*ms, 0)
	b.queue = 4 * b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	b.delay = 40 * ms
	b.run(time.Second)
	if m := f.model.minRTT; m > 45*ms {
		t.Errorf("minimum round trip %v", m)
	}
	if used := f.rateOver(2 * time.Second); used < 0.95 {
		t.Errorf("%.3f of the line", used)
	}
}

// TestModelBlackout: two seconds without an answer are survived. Probes are two
// seconds apart by then; after the first that is answered, the rate comes back.
func TestModelBlackout(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue = 4 * b.bdp()
	f := b.joinModel()
	b.run(4 * time.Second)
	b.down = true
	b.run(2 * time.Second)
	if b.dropped == 0 {
		t.Fatal("nothing was lost")
	}
	b.down = false
	b.run(8 * time.Second)
	if used := f.rateOver(2 * time.Second); used < 0.95 {
		t.Errorf("%.3f of the line", used)
	}
	audit(t, f.sender)
}

// TestModelStartupGoesOn: a queue that is gone while startup looks whether the
// path is full was another's (RFC 9406, section 4.2, resumes slow start then).
func TestModelStartupGoesOn(t *testing.T) {
	m := NewModel(simSegment, 50*ms, 1)
	m.minRTT = 50 * ms
	see := func(rtt time.Duration, times int) {
		for range times {
			m.watchRise(rtt)
		}
	}
	see(70*ms, hystartSamples)
	see(51*ms, hystartSamples-1)
	see(70*ms, 1)
	see(51*ms, hystartSamples-1)
	if !m.careful() {
		t.Error("a few samples without a queue count as none")
	}
	if see(51*ms, 1); m.careful() {
		t.Error("the queue is gone, and startup still careful")
	}
	if see(70*ms, hystartSamples-1); m.careful() {
		t.Error("a few samples with a queue count as one")
	}
}

// TestModelShortQueue: where startup has overflowed a queue that is short for a long path, the line
// is full until the next probe all the same. While a part of the bound was left free below what the path
// holds, 0.86 of it was used.
func TestModelShortQueue(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 300*ms, 0)
	b.queue = b.bdp() / 6
	f := b.joinModel()
	f.until(phaseCruise)
	if math.IsInf(f.model.bound, 1) {
		t.Fatal("startup did not end by congestion")
	}
	b.run(300 * ms) // what comes now was sent in cruise
	if used := f.rateOver(600 * ms); used < 0.98 || f.model.phase != phaseCruise {
		t.Errorf("%.3f of the line, %v", used, f.model.phase)
	}
}

// TestModelStartupEndsLow: on a queue that the mean of a round hardly shows startup ends by loss, at
// two thirds of the line. A probe follows after four round trips: without it these ten
// seconds use 0.93 of the line.
func TestModelStartupEndsLow(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 100*ms, 0)
	b.queue = b.bdp() / 12
	f := b.joinModel()
	f.until(phaseCruise)
	if rate := f.model.rate(); rate > 0.8*b.rate {
		t.Fatalf("startup ended at %.2f of the line", rate/b.rate)
	}
	if used := f.rateOver(10 * time.Second); used < 0.96 {
		t.Errorf("%.3f of the line", used)
	}
}

// TestModelShort: an early probe needs all of what it goes by.
func TestModelShort(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(*Model)
		want bool
	}{
		{"startup ended by loss without a queue, below what a train has shown", func(*Model) {}, true},
		{"a queue was seen", func(m *Model) { m.unsure = false }, false},
		{"cruise has hardly begun", func(m *Model) { m.cruised = earlyRounds - 1 }, false},
		{"a queue is there", func(m *Model) { m.cruise.queued = 1 }, false},
		{"a train has shown little more", func(m *Model) { m.shown = 105 }, false},
	} {
		m := Model{unsure: true, cruised: earlyRounds, shown: 150}
		m.bandwidth.add(100, false)
		if tc.set(&m); m.short() != tc.want {
			t.Errorf("%s: %v", tc.name, !tc.want)
		}
	}
	for _, rtt := range []time.Duration{100 * ms, 51 * ms} { // with a queue, and without
		m := NewModel(simSegment, 50*ms, 1)
		m.minRTT = 50 * ms
		m.congestion(time.Time{}, roundStats{acked: 80 * simSegment, lost: 20 * simSegment, rtt: rtt})
		if m.unsure != (rtt < 60*ms) {
			t.Errorf("round trip %v: unsure %v", rtt, m.unsure)
		}
	}
}

// TestModelDelivered: at a queue that overflows for the first time the best sample counts, then the mean of a round,
// for who has most of what was ever delivered.
func TestModelDelivered(t *testing.T) {
	for _, tc := range []struct {
		losing     bool
		peak, want float64
	}{{false, 100, 80}, {true, 100, 60}, {true, 150, 80}} {
		var m Model
		m.cruise.losing, m.peak = tc.losing, tc.peak
		m.round.last, m.round.before = roundStats{rate: 80, mean: 50}, roundStats{rate: 70, mean: 60}
		if got := m.delivered(); got != tc.want {
			t.Errorf("losing %v, most ever %v: %v, want %v", tc.losing, tc.peak, got, tc.want)
		}
	}
}

// TestModelOverflowIsACrowd: a probe that begins where the last round overflowed a queue does not
// take the most that was ever delivered, but goes on from what is sent.
func TestModelOverflowIsACrowd(t *testing.T) {
	for _, rtt := range []time.Duration{100 * ms, 51 * ms} { // with a queue, and without
		m := NewModel(simSegment, 50*ms, 1)
		m.minRTT, m.phase, m.round.count = 50*ms, phaseCruise, 9
		m.bandwidth.add(100*mbit, false)
		m.congestion(time.Time{}, roundStats{acked: 80 * simSegment, lost: 20 * simSegment, rtt: rtt, rate: 80 * mbit})
		m.enter(time.Time{}, phaseRefill)
		if queue := rtt > 60*ms; m.crowd != queue || math.IsInf(m.shortRate, 1) == queue {
			t.Errorf("round trip %v: crowd %v, rate %v", rtt, m.crowd, m.shortRate)
		}
	}
}

// TestModelLongJitter: round trips that vary by more than what counts as a queue
// look like one that never goes. Little is given up for it.
func TestModelLongJitter(t *testing.T) {
	b := newBottleneck(t, 50*mbit, 40*ms, 0)
	b.queue, b.jitter = 4*b.bdp(), 40*ms
	f := b.joinModel()
	b.run(2 * time.Second)
	if used := f.rateOver(10 * time.Second); used < 0.95 {
		t.Errorf("%.3f of the line", used)
	}
}
