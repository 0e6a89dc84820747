package arq

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// contest has one Sender join a line of 10 Mbit/s and 40 ms, and another after
// so long. It returns each one's share of the ten seconds that begin thirty
// seconds later.
func contest(t *testing.T, queue float64, later time.Duration, join ...func(*bottleneck)) [2]float64 {
	t.Helper()
	b := newBottleneck(t, 10*mbit, 40*ms, 0)
	b.queue = queue * b.bdp()
	join[0](b)
	b.run(later)
	join[1](b)
	b.run(30 * time.Second)
	x, y := b.flows[0].arrived, b.flows[1].arrived
	b.run(10 * time.Second)
	x, y = b.flows[0].arrived-x, b.flows[1].arrived-y
	if used := float64(x+y) / (10 * b.rate); used < 0.9 {
		t.Errorf("%.2f of the line is used", used)
	}
	return [2]float64{float64(x) / float64(x+y), float64(y) / float64(x+y)}
}

func modelJoins(b *bottleneck) { b.joinModel() }
func cubicJoins(b *bottleneck) { b.join(NewCubic(simSegment)).send(1 << 40) }

// TestModelsShare: two Models over one queue take much the same, by the index of
// Jain, Chiu and Hawe ("A quantitative measure of fairness", 1984): 1 for equal
// shares, 0.5 for all and nothing.
func TestModelsShare(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	for _, tc := range []struct {
		queue float64
		later time.Duration
		least float64
	}{
		{0.5, 0, 0.9}, {1, 0, 0.9}, {2, 0, 0.9},
		{0.5, 5 * time.Second, 0.9}, {1, 5 * time.Second, 0.9}, {2, 5 * time.Second, 0.9},
	} {
		t.Run(fmt.Sprintf("queue=%v,later=%v", tc.queue, tc.later), func(t *testing.T) {
			s := contest(t, tc.queue, tc.later, modelJoins, modelJoins)
			jain := 1 / (2 * (s[0]*s[0] + s[1]*s[1]))
			t.Logf("%.2f and %.2f, index %.3f", s[0], s[1], jain)
			if jain < tc.least {
				t.Errorf("shares of %.2f and %.2f", s[0], s[1])
			}
		})
	}
}

// TestModelBesideCubic: neither starves the other, whoever comes first.
func TestModelBesideCubic(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	for _, queue := range []float64{0.5, 1, 2} {
		t.Run(fmt.Sprintf("queue=%v", queue), func(t *testing.T) {
			first := contest(t, queue, 5*time.Second, modelJoins, cubicJoins)[0]
			second := contest(t, queue, 5*time.Second, cubicJoins, modelJoins)[1]
			t.Logf("the model has %.2f if it comes first, %.2f if second", first, second)
			if first < 0.3 || first > 0.7 || second < 0.3 || second > 0.7 {
				t.Errorf("the model has %.2f and %.2f", first, second)
			}
		})
	}
}

// shares has one Sender join a line of 100 Mbit/s and 50 ms with a queue of one
// BDP, and another after so long. It returns the first one's share of the last
// twenty of thirty seconds. The seed decides when they probe.
func shares(t *testing.T, seed uint64, later time.Duration, join ...func(*bottleneck)) float64 {
	t.Helper()
	b := newBottleneck(t, 100*mbit, 50*ms, 0)
	b.queue, b.seed = b.bdp(), seed
	join[0](b)
	b.run(later)
	join[1](b)
	b.run(10*time.Second - later)
	x, y := b.flows[0].arrived, b.flows[1].arrived
	b.run(20 * time.Second)
	x, y = b.flows[0].arrived-x, b.flows[1].arrived-y
	if used := float64(x+y) / (20 * b.rate); used < 0.975 {
		t.Errorf("%.3f of the line is used", used)
	}
	return float64(x) / float64(x+y)
}

// TestLatecomer: a Model that joins another has its even share within seconds,
// and two that begin together stay even. What decides is what cruise gives up
// and takes (see steady). When they probe makes for a tenth of it.
func TestLatecomer(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	for _, later := range []time.Duration{0, 5 * time.Second} {
		var all []float64
		for seed := range uint64(7) {
			all = append(all, shares(t, 1000*seed, later, modelJoins, modelJoins))
		}
		slices.Sort(all)
		s := all[len(all)/2]
		jain := 1 / (2 * (s*s + (1-s)*(1-s)))
		t.Logf("%v later: the first has %.2f, index %.3f; %.2f", later, s, jain, all)
		if jain < 0.95 {
			t.Errorf("%v later: shares of %.2f and %.2f", later, s, 1-s)
		}
		if all[0] < 0.3 || all[len(all)-1] > 0.7 {
			t.Errorf("%v later: the first has %.2f", later, all)
		}
	}
}

// TestEvenBesideCubic: where the queue is one BDP, a Model and a CUBIC flow each
// have 30 % or more, whoever comes first.
func TestEvenBesideCubic(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	for _, later := range []time.Duration{0, 5 * time.Second} {
		first := shares(t, 0, later, modelJoins, cubicJoins)
		second := 1 - shares(t, 0, later, cubicJoins, modelJoins)
		t.Logf("%v later: the model has %.2f if it comes first, %.2f if second", later, first, second)
		if first < 0.3 || first > 0.7 || second < 0.3 || second > 0.7 {
			t.Errorf("%v later: the model has %.2f and %.2f", later, first, second)
		}
	}
}

// TestNewcomer: room is made for who joins a line that another fills, and little of what both
// send meanwhile is lost; a BDP and the queue are 860 segments. While congestion left what the best sample of two
// rounds had shown, two Models lost 2,200 in the first two seconds; while startup went on
// at twice what a train had shown to the end of a round, a Model lost 1,220 beside CUBIC.
func TestNewcomer(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	const seeds = 12
	for _, tc := range []struct {
		name  string
		first func(*bottleneck)
		most  int
	}{{"a Model", modelJoins, 1750}, {"CUBIC", cubicJoins, 1100}} {
		overflowed := 0
		for seed := range seeds {
			b := newBottleneck(t, 100*mbit, 50*ms, 0)
			b.queue, b.seed = b.bdp(), uint64(seed)
			tc.first(b)
			b.run(20*time.Second + time.Duration(seed)*500*ms)
			before := b.overflowed
			modelJoins(b)
			b.run(2 * time.Second)
			overflowed += b.overflowed - before
		}
		t.Logf("beside %s: %d segments", tc.name, overflowed/seeds)
		if overflowed/seeds > tc.most {
			t.Errorf("beside %s %d segments were lost, want %d at most", tc.name, overflowed/seeds, tc.most)
		}
	}
}

// TestCubicThatBeganLow: Linux's CUBIC leaves slow start on the queue that the Model's startup
// makes, and has then a sixth of the line. It gets more, since who has most of a line gives up
// more to a queue that grows: without that the Model has 0.59 of the thirty seconds.
func TestCubicThatBeganLow(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	const runs = 10
	var sum float64
	for seed := range uint64(runs) {
		b := newBottleneck(t, 100*mbit, 50*ms, 0)
		b.queue, b.seed = b.bdp(), 1000*seed
		model := b.joinModel()
		c := NewCubic(simSegment)
		c.threshold = 85 * simSegment
		cubic := b.join(c)
		cubic.send(1 << 40)
		share := model.shareOver(30*time.Second, cubic)
		if share < 0.3 || share > 0.7 {
			t.Errorf("seed %d: the model has %.2f", b.seed, share)
		}
		sum += share
	}
	t.Logf("the model has %.3f", sum/runs)
	if sum/runs > 0.57 {
		t.Errorf("the model has %.3f", sum/runs)
	}
}
