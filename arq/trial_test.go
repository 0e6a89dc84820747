package arq

import (
	"testing"
	"time"
)

// lossyRound returns a round trip in which so many bytes a second were sent, and which
// lost a share of them.
func lossyRound(sent, lost float64) roundStats {
	const round = 0.05 // seconds
	return roundStats{
		acked: int(sent * (1 - lost) * round), lost: int(sent * lost * round), mean: sent * (1 - lost),
	}
}

// TestTrial: of heavy loss three rounds are waited for, then half is sent, and three
// rounds of that tell. A policer of 1 MB/s drops nothing then, chance as much as before.
func TestTrial(t *testing.T) {
	for _, tc := range []struct {
		name string
		lost func(sent float64) float64
		want float64 // share by chance
	}{
		{"chance", func(float64) float64 { return 0.25 }, 0.25},
		{"a policer", func(sent float64) float64 { return max(0, 1-1e6/sent) }, 0},
		{"a policer with half of that by chance", func(sent float64) float64 { return 0.15 + max(0, 0.85-1e6/sent) }, 0},
	} {
		var tr trial
		const rate = 1.6e6
		got := 0.0
		for n := 0; n < trialAfter+trialRounds; n++ {
			if running := n >= trialAfter; tr.running() != running {
				t.Fatalf("%s: after %d rounds running is %v", tc.name, n, tr.running())
			}
			sent := tr.limit(rate)
			if want := trialRate * rate; n >= trialAfter && sent != want {
				t.Errorf("%s: %v is sent in the trial, want %v", tc.name, sent, want)
			}
			if got != 0 {
				t.Fatalf("%s: decided after %d rounds", tc.name, n)
			}
			got = tr.observe(lossyRound(sent, tc.lost(sent)), n < trialAfter, true)
		}
		if got < tc.want-1e-3 || got > tc.want+1e-3 {
			t.Errorf("%s: %.3f are by chance, want %.3f", tc.name, got, tc.want)
		}
		if tr != (trial{}) {
			t.Errorf("%s: %+v is left", tc.name, tr)
		}
	}
}

// TestTrialEnds: rounds with a queue tell nothing, and a trial that gets no
// others is given up.
func TestTrialEnds(t *testing.T) {
	var tr trial
	for range trialAfter {
		tr.observe(lossyRound(1e6, 0.3), true, true)
	}
	for n := range trialMost {
		if got := tr.observe(lossyRound(5e5, 0.3), true, false); got != 0 || !tr.running() {
			t.Fatalf("round %d with a queue: %v by chance, running %v", n, got, tr.running())
		}
	}
	if tr.observe(lossyRound(5e5, 0.3), false, false); tr.running() || tr.limit(1e6) != 1e6 {
		t.Errorf("%+v goes on", tr)
	}
}

// TestModelHeavyLoss: a fifth and more of everything is lost by chance. It is obeyed,
// then found not to depend on what is sent, and made up for; and when it ends, that does too.
func TestModelHeavyLoss(t *testing.T) {
	for _, loss := range []float64{0.18, 0.25, 0.4} {
		b := newBottleneck(t, 100*mbit, 50*ms, 0)
		b.queue = 4 * b.bdp()
		f := b.joinModel()
		if used := f.rateOver(3 * time.Second); used < 0.9 {
			t.Fatalf("%.3f of the line without loss", used)
		}
		b.loss = loss
		lowest := 1.0
		for range 30 {
			lowest = min(lowest, f.rateOver(100*ms))
		}
		if lowest > 0.6*(1-loss) {
			t.Errorf("%v lost: never less than %.2f of the line", loss, lowest)
		}
		if used := f.rateOver(5 * time.Second); used < 0.85*(1-loss) {
			t.Errorf("%v lost: %.3f of the line, %.2f are to be had", loss, used, 1-loss)
		}
		b.loss = 0
		b.run(3 * time.Second)
		if g := f.model.gate; g.random > 0.02 || g.proven != 0 {
			t.Errorf("%v lost: %.3f are taken for chance three seconds later, %.3f proven", loss, g.random, g.proven)
		}
		if used := f.rateOver(2 * time.Second); used < 0.9 {
			t.Errorf("%.3f of the line, three seconds after the loss of %v", used, loss)
		}
	}
}

// TestModelHeavyLossFromTheStart: a fetch that has known no other path.
func TestModelHeavyLossFromTheStart(t *testing.T) {
	for _, loss := range []float64{0.2, 0.3} {
		for seed := range uint64(4) {
			b := newBottleneck(t, 100*mbit, 50*ms, 0)
			b.queue, b.loss, b.seed = 2*b.bdp(), loss, seed
			if used := b.joinModel().rateOver(10 * time.Second); used < 0.85*(1-loss) {
				t.Errorf("seed %d: %.3f of the line, %.1f are to be had", seed, used, 1-loss)
			}
		}
	}
}

// TestModelsInAPolicer: what a policer drops of several Models is not chance, though
// what one of them sends changes little about it.
func TestModelsInAPolicer(t *testing.T) {
	for _, models := range []int{2, 3} {
		b := newBottleneck(t, 50*mbit, 40*ms, 60000)
		b.polices = true
		for range models {
			b.joinModel()
			b.run(3 * time.Second)
		}
		overflowed, carried := b.overflowed, b.carried
		b.run(20 * time.Second)
		lost := float64(b.overflowed-overflowed) * simSegment
		if share := lost / (lost + float64(b.carried-carried)); share > 0.155 {
			t.Errorf("%d Models: %.3f are dropped", models, share)
		}
		for _, f := range b.flows {
			if g := f.model.gate.proven; g != 0 {
				t.Errorf("%d Models: %.3f are proven to be lost by chance", models, g)
			}
		}
	}
}

// TestModelTrialRounds: which rounds a trial is told of, and what ends it.
func TestModelTrialRounds(t *testing.T) {
	heavy := lossyRound(1e6, 0.3)
	heavy.rtt = 40 * ms
	crowd, limited := heavy, heavy
	crowd.rtt, limited.appLimited = 44*ms, true // above 40 + 40/16 + 1
	cruise := func() *Model {
		m := NewModel(simSegment, 40*ms, 1)
		m.minRTT, m.phase, m.round.count = 40*ms, phaseCruise, 3
		return m
	}
	for _, tc := range []struct {
		name string
		r    roundStats
		set  func(*Model)
		want int
	}{
		{"heavy loss", heavy, func(*Model) {}, 1},
		{"a queue", crowd, func(*Model) {}, 0},
		{"nothing more to send", limited, func(*Model) {}, 0},
		{"sent before cruise", heavy, func(m *Model) { m.round.mark = 1 }, 0},
		{"a probe", heavy, func(m *Model) { m.phase = phaseUp }, 0},
	} {
		m := cruise()
		tc.set(m)
		if m.chance(time.Time{}, tc.r, true); m.trial.heavy != tc.want {
			t.Errorf("%s: %d rounds of heavy loss, want %d", tc.name, m.trial.heavy, tc.want)
		}
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, end := range map[string]func(*Model){
		"a probe":  func(m *Model) { m.enter(now, phaseRefill) },
		"silence":  func(m *Model) { m.OnSilence(now) },
		"a change": func(m *Model) { m.restart(now) },
	} {
		m := cruise()
		m.chance(now, heavy, true)
		if end(m); m.trial != (trial{}) {
			t.Errorf("%+v is left after %s", m.trial, name)
		}
	}
	m := cruise()
	for range trialAfter {
		m.chance(now, heavy, true)
	}
	m.probeAt = now.Add(-time.Second)
	if m.advance(now, 40*ms); m.phase != phaseCruise {
		t.Errorf("in %v while a trial goes on", m.phase)
	}
	m.trial = trial{}
	if m.advance(now, 40*ms); m.phase != phaseRefill {
		t.Errorf("in %v without one, when a probe is due", m.phase)
	}
}

// TestModelPolicerFalls: where a policer's rate falls the first round of loss is of both
// rates, and tells too little to compare with.
func TestModelPolicerFalls(t *testing.T) {
	for seed := range uint64(4) {
		b := newBottleneck(t, 100*mbit, 40*ms, 200000)
		b.polices, b.seed = true, seed*31
		f := b.joinModel()
		b.run(5 * time.Second)
		b.setRate(30 * mbit)
		overflowed := b.overflowed
		for range 100 {
			b.run(100 * ms)
			if g := f.model.gate.proven; g != 0 {
				t.Fatalf("seed %d, at %v: %.2f are proven to be lost by chance", seed, b.elapsed(), g)
			}
		}
		if b.overflowed == overflowed {
			t.Errorf("seed %d: nothing was dropped", seed)
		}
	}
}

// TestModelProbeMeetsAPolicer: a probe that ends by loss has what was taken for chance
// forgotten, if it showed no queue: one that overflows loses the more by itself.
func TestModelProbeMeetsAPolicer(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		deepest time.Duration // the longest round trip of the probe; the least of all is 40 ms
		want    float64       // what is still taken for chance
	}{
		{43 * ms, 0}, // 40 + 40/16 + 1 are a queue
		{44 * ms, 0.2},
	} {
		m := NewModel(simSegment, 40*ms, 1)
		m.minRTT, m.phase, m.cruise.deepest = 40*ms, phaseUp, tc.deepest
		m.gate.prove(0.2)
		m.congestion(now, lossyRound(1e6, 0.4))
		if g := m.gate; g.random != tc.want || g.proven != tc.want {
			t.Errorf("a probe with a round trip of %v: %.2f by chance, %.2f proven, want %.2f", tc.deepest, g.random, g.proven, tc.want)
		}
	}
}
