package arq

import (
	"testing"
	"time"
)

// resumed is how a flow goes on in its first two seconds that has known of its path, and
// one that has not.
func resumed(t *testing.T, was KnownPath, line func() *bottleneck) (with, without *flow) {
	t.Helper()
	b := line()
	with = b.joinModel()
	with.model.Resume(was, b.delay)
	b.run(2 * time.Second)
	b = line()
	without = b.joinModel()
	b.run(2 * time.Second)
	return with, without
}

// TestResume: what a flow has learned of a path saves the next one some round trips of
// startup, and fills no more of the queue.
func TestResume(t *testing.T) {
	for _, rtt := range []time.Duration{20 * ms, 50 * ms, 300 * ms} {
		for _, loss := range []float64{0, 0.01} {
			line := func() *bottleneck {
				b := newBottleneck(t, 100*mbit, rtt, 0)
				b.queue, b.loss = 4*b.bdp(), loss
				return b
			}
			b := line()
			first := b.joinModel()
			if _, ok := first.model.Learned(); ok {
				t.Error("it has learned of its path before it has begun")
			}
			b.run(6 * time.Second)
			was, ok := first.model.Learned()
			if !ok || was.MinRTT < rtt || was.MinRTT > rtt+2*ms || was.RateBytesPerSec < 0.9*b.rate || was.RateBytesPerSec > 1.1*b.rate {
				t.Fatalf("%v, loss %v: %+v, %v has been learned", rtt, loss, was, ok)
			}
			with, without := resumed(t, was, line)
			sooner := time.Duration(float64(with.arrived-without.arrived) / b.rate * float64(time.Second))
			t.Logf("%v, loss %v: %v sooner, %.2f round trips; a queue of %.2f BDP, %.2f without", rtt, loss, sooner,
				sooner.Seconds()/rtt.Seconds(), with.b.peak/b.bdp(), without.b.peak/b.bdp())
			if sooner < rtt/4 {
				t.Errorf("%v, loss %v: %v sooner", rtt, loss, sooner)
			}
			if with.b.peak > without.b.peak+0.2*b.bdp() {
				t.Errorf("%v, loss %v: a queue of %.2f BDP, %.2f without", rtt, loss, with.b.peak/b.bdp(), without.b.peak/b.bdp())
			}
		}
	}
}

// TestResumeOnAChangedPath: one that has become slower loses what does not fit, once, and
// is used as one that nothing was known of.
func TestResumeOnAChangedPath(t *testing.T) {
	was := KnownPath{RateBytesPerSec: 100 * mbit, MinRTT: 50 * ms}
	for _, rate := range []float64{50 * mbit, 25 * mbit, 10 * mbit, 2 * mbit} {
		for _, queue := range []float64{0.5, 2} {
			line := func() *bottleneck {
				b := newBottleneck(t, rate, 50*ms, 0)
				b.queue = queue * b.bdp()
				return b
			}
			with, without := resumed(t, was, line)
			t.Logf("%.0f of 100 Mbit/s are left, a queue of %v BDP: %.3f of the line, %.3f without; %d segments did not fit, %d without",
				rate/mbit, queue, float64(with.arrived)/rate/2, float64(without.arrived)/rate/2, with.b.overflowed, without.b.overflowed)
			if float64(with.arrived) < 0.98*float64(without.arrived) {
				t.Errorf("%.0f of 100 Mbit/s, a queue of %v BDP: slower with what was known", rate/mbit, queue)
			}
			if jump := int(was.RateBytesPerSec*was.MinRTT.Seconds()*resumedPart) / simSegment; with.b.overflowed > without.b.overflowed+2*jump {
				t.Errorf("%.0f of 100 Mbit/s, a queue of %v BDP: more than twice %d segments did not fit", rate/mbit, queue, jump)
			}
		}
	}
}

// TestWhatDoesNotResume: a round trip that is not what it was.
func TestWhatDoesNotResume(t *testing.T) {
	was := KnownPath{RateBytesPerSec: 100 * mbit, MinRTT: 50 * ms}
	for rtt, want := range map[time.Duration]bool{
		24 * ms: false, 26 * ms: true, 50 * ms: true, 60 * ms: true, 61 * ms: false, 500 * ms: false,
	} {
		m := NewModel(simSegment, rtt, 1)
		first := m.Window()
		m.Resume(was, rtt)
		if got := m.Window() > first; got != want {
			t.Errorf("round trip %v: %v, want %v", rtt, got, want)
		}
	}
	m := NewModel(simSegment, time.Second, 1)
	m.Resume(KnownPath{RateBytesPerSec: 1e12, MinRTT: time.Second}, time.Second)
	if got := m.Window(); got != maxResumed {
		t.Errorf("a window of %d bytes", got)
	}
}
