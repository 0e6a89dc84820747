package secure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestReplayWindowAgainstMap holds the window to its definition: a number is
// fresh if it was not marked and is less than windowLen below the top.
func TestReplayWindowAgainstMap(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		var w replayWindow
		seen := map[uint64]bool{}
		base := r.Uint64N(math.MaxUint64 / 2)
		if seed%2 == 0 {
			base = 0
		}
		var top uint64
		var fresh, again, old int
		for range 20_000 {
			var pn uint64
			switch n := r.IntN(200); {
			case n < 1: // a leap, of more than the whole ring at times
				pn = max(top, base) + r.Uint64N(3*windowLen)
			case n < 10: // a smaller one, over a few words
				pn = max(top, base) + r.Uint64N(1000)
			case n < 30: // the bottom, and what lies just below it
				pn = max(top, base+windowLen) - windowLen + r.Uint64N(3)
			case n < 50: // anywhere in the window, and as far again below it
				pn = max(top, base+2*windowLen) - r.Uint64N(2*windowLen)
			default: // in order, more or less
				pn = max(top, base+40) - 40 + r.Uint64N(42)
			}
			tooOld := pn < top && top-pn >= windowLen
			want := !seen[pn] && !tooOld
			if got := w.fresh(pn); got != want {
				t.Fatalf("seed %d: fresh(%d) = %v with top %d, seen %v", seed, pn, got, top, seen[pn])
			}
			switch {
			case want:
				w.mark(pn)
				seen[pn] = true
				top = max(top, pn)
				fresh++
			case tooOld:
				old++
			default:
				again++
			}
		}
		if fresh < 1000 || again < 1000 || old < 100 {
			t.Errorf("seed %d tried too little: %d fresh, %d seen, %d too old", seed, fresh, again, old)
		}
	}
}

func TestReplayWindowEdges(t *testing.T) {
	var w replayWindow
	expect := func(pn uint64, want bool) {
		t.Helper()
		if got := w.fresh(pn); got != want {
			t.Errorf("fresh(%d) = %v, want %v", pn, got, want)
		}
	}
	expect(0, true)
	w.mark(0)
	expect(0, false)
	w.mark(windowLen - 1)
	expect(0, false)
	expect(1, true)
	w.mark(windowLen)
	expect(0, false) // too old now
	expect(1, true)
	w.mark(math.MaxUint64)
	expect(math.MaxUint64, false)
	expect(math.MaxUint64-windowLen+1, true)
	expect(math.MaxUint64-windowLen, false)
}
