package arq

import (
	"math"
	"testing"
	"time"
)

// roundOf returns what a round trip of so many segments showed.
func roundOf(segments int, rtt time.Duration) roundStats {
	return roundStats{acked: segments * simSegment, rtt: rtt}
}

// TestLossGate: what counts as congestion on a path of 40 ms. A queue shows from
// 1.25 times that and a millisecond on.
func TestLossGate(t *testing.T) {
	const base, queued = 40 * ms, 52 * ms
	for _, tc := range []struct {
		name        string
		acked, lost int // segments
		rtt         time.Duration
		stalled     bool
		want        bool
	}{
		{"no loss", 1000, 0, base, false, false},
		{"no loss, a queue", 1000, 0, 200 * ms, true, false},
		{"1 % by chance", 990, 10, base, false, false},
		{"10 % by chance", 900, 100, base, false, false},
		{"10 % and a queue", 900, 100, queued, false, true},
		{"10 % and almost a queue", 900, 100, 51 * ms, false, false},
		{"10 % and no growth", 900, 100, base, true, true},
		{"1 % and a queue", 990, 10, queued, false, false},
		{"3 % and a queue, within chance", 970, 30, queued, false, false},
		{"4 % and a queue", 960, 40, queued, false, true},
		{"one of ten, and a queue", 9, 1, queued, true, false},
		{"30 %", 700, 300, base, false, true},
		{"16 %, within chance", 840, 160, base, false, false},
		{"all", 0, 100, 0, false, true},
	} {
		g, r := lossGate{}, roundOf(tc.acked, tc.rtt)
		g.lost(tc.lost * simSegment)
		if got := g.judge(&r, base, tc.stalled, simSegment); got != tc.want {
			t.Errorf("%s: congestion %v, want %v", tc.name, got, tc.want)
		}
		if r.lost != tc.lost*simSegment || g.lostNow != 0 {
			t.Errorf("%s: %d bytes lost in the round, %d in the next", tc.name, r.lost, g.lostNow)
		}
	}
}

// TestLossGateLearnsChance: a steady share is learned as chance, at a tenth a
// round, and then a queue beside it is no evidence; more than the share is.
func TestLossGateLearnsChance(t *testing.T) {
	var g lossGate
	lose := func(segments int, rtt time.Duration) bool {
		r := roundOf(1000-segments, rtt)
		g.lost(segments * simSegment)
		return g.judge(&r, 40*ms, false, simSegment)
	}
	for n := 1; n <= 60; n++ {
		if lose(50, 40*ms) {
			t.Fatal("5 % by chance is congestion")
		}
		if want := 0.05 * (1 - math.Pow(1-randomWeight, float64(n))); math.Abs(g.random-want) > 1e-9 {
			t.Fatalf("round %d: %.4f, want %.4f", n, g.random, want)
		}
	}
	if lose(50, 80*ms) {
		t.Error("the usual 5 % are congestion because there is a queue")
	}
	if !lose(110, 80*ms) {
		t.Error("11 % and a queue are chance")
	}
	for range 60 {
		lose(0, 80*ms)
	}
	if g.random > 0.001 {
		t.Errorf("%.4f long after the last loss", g.random)
	}
}

// TestLossGateDoesNotLearnFromAQueue: what is lost while a queue shows, however
// short, may be the queue's: it is not made up for.
func TestLossGateDoesNotLearnFromAQueue(t *testing.T) {
	var g lossGate
	for range 100 {
		r := roundOf(990, 44*ms) // above 40 + 40/16 + 1
		g.lost(10 * simSegment)
		if g.judge(&r, 40*ms, false, simSegment) || g.random != 0 {
			t.Fatalf("%.4f taken for chance", g.random)
		}
	}
}

// TestLossGateTakesLossBack: what was declared lost and came after all was not
// lost, and never makes the count negative.
func TestLossGateTakesLossBack(t *testing.T) {
	var g lossGate
	g.lost(5 * simSegment)
	g.acked(AckSample{Unlost: 2 * simSegment})
	if g.lostNow != 3*simSegment {
		t.Errorf("%d bytes lost", g.lostNow)
	}
	g.acked(AckSample{Unlost: 9 * simSegment}) // of the round before
	if g.lostNow != 0 {
		t.Errorf("%d bytes lost", g.lostNow)
	}
	g.prove(0.2)
	if g.forget(); g != (lossGate{}) {
		t.Errorf("%+v is remembered", g)
	}
}

// TestLossGateProven: loss that a trial has shown to be by chance is no congestion, until
// it has become half of that, or a probe has shown that it was not.
func TestLossGateProven(t *testing.T) {
	var g lossGate
	lose := func(segments int) bool {
		r := roundOf(1000-segments, 40*ms)
		g.lost(segments * simSegment)
		return g.judge(&r, 40*ms, false, simSegment)
	}
	if !lose(250) {
		t.Error("a quarter is chance before that is proven")
	}
	g.prove(0.25)
	for range 100 {
		if lose(250) {
			t.Fatal("a quarter is congestion after it is proven to be chance")
		}
	}
	if !lose(480) {
		t.Error("half is chance where a quarter is proven to be")
	}
	for range 5 {
		lose(0)
	}
	if g.proven == 0 {
		t.Errorf("%.3f by chance: what is proven is forgotten", g.random)
	}
	for range 5 {
		lose(0)
	}
	if g.proven != 0 || !lose(250) {
		t.Errorf("%.3f are proven, %.3f by chance", g.proven, g.random)
	}
	g.prove(0.25)
	if g.disprove(); g.random != 0 || !lose(250) {
		t.Errorf("%+v after a probe has shown that it is no chance", g)
	}
	if g.prove(0.9); g.random != maxRandom {
		t.Errorf("%.2f are made up for", g.random)
	}
}

// TestLossGateMakesUpForSoMuch: the share is bounded.
func TestLossGateMakesUpForSoMuch(t *testing.T) {
	g := lossGate{random: 0.9 * maxRandom}
	for range 200 {
		r := roundOf(40, 40*ms)
		g.lost(60 * simSegment)
		g.judge(&r, 40*ms, false, 100*simSegment) // so few segments that all is chance
		if g.random > maxRandom {
			t.Fatalf("%.3f", g.random)
		}
	}
	if g.random < 0.99*maxRandom {
		t.Errorf("%.3f after 60 %% for long", g.random)
	}
}
