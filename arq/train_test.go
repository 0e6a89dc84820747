package arq

import (
	"math"
	"testing"
	"time"
)

// ackTrain feeds a trainMeter with acknowledgements of single segments that were sent
// and came back at the given times, over a path of 100 ms. It returns the last
// rate, and what that is at least.
func ackTrain(m *trainMeter, n int, sent, acked func(i int) time.Duration) (rate, least float64) {
	t0 := time.Time{}.Add(time.Hour)
	for i := range n {
		rate, least = m.acknowledged(t0.Add(acked(i)), AckSample{
			Bytes: simSegment, SentAt: t0.Add(sent(i)), MinRTT: 100 * ms,
		}, simSegment)
	}
	return rate, least
}

func every(d time.Duration) func(i int) time.Duration {
	return func(i int) time.Duration { return time.Duration(i) * d }
}

func later(by time.Duration, at func(i int) time.Duration) func(i int) time.Duration {
	return func(i int) time.Duration { return at(i) + by }
}

// TestTrainRate: the slower of sending and arriving counts, and the first segment does not.
func TestTrainRate(t *testing.T) {
	const perMS = simSegment * 1000.0
	for _, tc := range []struct {
		name        string
		n           int
		sent, acked func(i int) time.Duration
		rate        float64
		spread      bool
	}{
		{"as it was sent", 40, every(ms), later(100*ms, every(ms)), perMS, false},
		{"spread", 40, every(ms / 4), later(100*ms, every(ms)), perMS, true},
		{"acknowledged in a bunch", 40, every(ms), func(int) time.Duration { return 140 * ms }, perMS, false},
		{"too few", trainSegments, every(ms), later(100*ms, every(ms)), 0, false},
		{"too short", 40, every(ms / 10), later(100*ms, every(ms/10)), 0, false},
		{"with gaps", 200, every(13 * ms), later(100*ms, every(13*ms)), 0, false},
		{"the last round trip only", 400, func(i int) time.Duration {
			return every(ms)(min(i, 200)) + every(ms/2)(max(0, i-200))
		}, func(i int) time.Duration {
			return 100*ms + every(ms)(min(i, 200)) + every(ms/2)(max(0, i-200))
		}, 2 * perMS, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m trainMeter
			if got, _ := ackTrain(&m, tc.n, tc.sent, tc.acked); math.Abs(got-tc.rate) > 1e-6*tc.rate {
				t.Errorf("%.0f bytes per second, want %.0f", got, tc.rate)
			}
			if m.spread != tc.spread {
				t.Errorf("spread: %v", m.spread)
			}
		})
	}
}

// TestTrainAtLeast: what a train shows is too much where its first acknowledgement was late, and
// what it proves is not, up to trainLateMost.
func TestTrainAtLeast(t *testing.T) {
	const perMS = simSegment * 1000.0
	for _, late := range []time.Duration{0, 5 * ms, 10 * ms} {
		for _, n := range []int{25, 50, 100} {
			var m trainMeter
			rate, least := ackTrain(&m, n, every(ms/4), func(i int) time.Duration {
				return 100*ms + max(late, every(ms)(i))
			})
			if late > 0 && rate <= perMS {
				t.Errorf("%d segments, the first %v late: shows %.0f bytes per second", n, late, rate)
			}
			if least > perMS || least < perMS*float64(n)/float64(n+12) {
				t.Errorf("%d segments, the first %v late: proves %.0f of %.0f bytes per second", n, late, least, perMS)
			}
		}
	}
}

// TestTrainBeginsAnew: what is sent after a gap is a train of its own.
func TestTrainBeginsAnew(t *testing.T) {
	var m trainMeter
	ackTrain(&m, 40, every(ms), later(100*ms, every(ms)))
	rate, _ := ackTrain(&m, 40, later(100*ms, every(ms/2)), later(200*ms, every(ms/2)))
	if want := simSegment * 2000.0; math.Abs(rate-want) > 1e-6*want {
		t.Errorf("%.0f bytes per second, want %.0f", rate, want)
	}
}

// TestStartupFillsALongPath: trains tell of more than what has been sent in a round trip,
// and that the path is full before its queue is. Without them the first of these has 0.53
// of the line, and 1,700, 440, 320 and 1,600 segments do not fit in the others.
func TestStartupFillsALongPath(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rate  float64
		delay time.Duration
		queue float64 // of the bandwidth-delay product
		bytes int64
		least float64 // bytes over what the line carries, without the handshake
		lost  int     // segments that the queue may drop
	}{
		{"100 Mbit/s, 300 ms", 100 * mbit, 300 * ms, 1, 16 << 20, 0.60, 0},
		{"500 Mbit/s, 100 ms", 500 * mbit, 100 * ms, 1, 64 << 20, 0.73, 150},
		{"20 Mbit/s, 40 ms", 20 * mbit, 40 * ms, 1, 8 << 20, 0.97, 250},
		{"10 Mbit/s, 300 ms", 10 * mbit, 300 * ms, 1, 4 << 20, 0.87, 100},
		{"half a BDP", 100 * mbit, 300 * ms, 0.5, 16 << 20, 0.58, 1400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBottleneck(t, tc.rate, tc.delay, 0)
			b.queue = tc.queue * b.bdp()
			f := b.joinModel()
			for f.arrived < tc.bytes {
				b.run(ms)
			}
			share := float64(tc.bytes) / tc.rate / b.elapsed().Seconds()
			t.Logf("%.3f of the line over %v, %d segments did not fit, a queue of %.2f BDP", share, b.elapsed(), b.overflowed, b.peak/b.bdp())
			if share < tc.least || b.overflowed > tc.lost {
				t.Errorf("%.3f of the line, %d segments did not fit", share, b.overflowed)
			}
		})
	}
}

// TestStartupIsHeardOut: a path whose round trip varies spread a train early, and startup ended at
// once with a quarter of the line. What it had sent by then proves more; else this has 0.58.
func TestStartupIsHeardOut(t *testing.T) {
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue, b.seed, b.sway = 2*b.bdp(), 35, 20*ms
	used := b.joinModel().rateOver(2 * time.Second)
	t.Logf("%.3f of the line", used)
	if used < 0.62 {
		t.Errorf("%.3f of the line", used)
	}
}

// TestStartupOfABusyHost: a host that is deaf now and then, and hears all at once afterwards,
// takes a path for faster than it is by no more than trains allow for. Without that 390
// segments do not fit.
func TestStartupOfABusyHost(t *testing.T) {
	const runs = 10
	over := 0
	for seed := range uint64(runs) {
		b := newBottleneck(t, 100*mbit, 50*ms, 0)
		b.queue, b.seed, b.hiccup = b.bdp(), 1000*seed+17, 20*ms
		f := b.joinModel()
		b.run(2 * time.Second)
		over += b.overflowed
		if used := float64(f.arrived) / (2 * b.rate); used < 0.85 {
			t.Errorf("seed %d: %.2f of the line", b.seed, used)
		}
	}
	t.Logf("%d segments do not fit", over/runs)
	if over/runs > 180 {
		t.Errorf("%d segments do not fit", over/runs)
	}
}
