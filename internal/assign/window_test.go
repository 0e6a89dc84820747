package assign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// windowPieces is as many as a fetch keeps in memory.
const windowPieces = 32

func inOrder(r *race) *race {
	r.window = windowPieces * PieceBytes
	return r
}

// TestInOrder: a window costs little of the rate, whatever the sessions do.
func TestInOrder(t *testing.T) {
	const size = 512 << 20
	for _, tc := range []struct {
		rates []float64
		limit float64 // of the ideal time
	}{
		{[]float64{10 * mb}, 1.02},
		{[]float64{10 * mb, 10 * mb, 10 * mb}, 1.03},
		{[]float64{20 * mb, 2 * mb}, 1.03},
		{[]float64{100 * mb, 1 * mb}, 1.03},
		{[]float64{1 * mb, 100 * mb}, 1.03},
		{[]float64{40 * mb, 20 * mb, 10 * mb, 5 * mb}, 1.05},
		{[]float64{10 * mb, 10 * mb, 10 * mb, 10 * mb, 10 * mb, 10 * mb, 10 * mb, 10 * mb}, 1.10},
	} {
		t.Run(fmt.Sprint(tc.rates), func(t *testing.T) {
			r := inOrder(steadyRace(t, size, tc.rates...))
			r.run()
			ideal := seconds(size, sum(tc.rates))
			t.Log(ideal, r)
			if limit := time.Duration(float64(ideal)*tc.limit) + raceRTT; r.took > limit {
				t.Errorf("took %v, ideal is %v and the limit %v", r.took, ideal, limit)
			}
			if r.wasted() > size/100 {
				t.Errorf("%d bytes came in vain", r.wasted())
			}
		})
	}
}

// TestOneSlowsDownInOrder: what one that falls to 1 % holds is what all wait
// for, unless another one fetches it.
func TestOneSlowsDownInOrder(t *testing.T) {
	const size = 256 << 20
	at := seconds(size/2, 30*mb)
	r := inOrder(newRace(t, size, steady(10*mb), steady(10*mb), changing(10*mb, at, 0.1*mb)))
	r.run()
	ideal := at + seconds(size/2, 20.1*mb)
	t.Log(ideal, r)
	if r.took > ideal*115/100 {
		t.Errorf("took %v, ideal is %v", r.took, ideal)
	}
	if r.wasted() > size/100 {
		t.Errorf("%d bytes came in vain", r.wasted())
	}
}

// TestASlowOneRecoversInOrder: one that has lost all its work to others, and
// whose rate nobody measures any more, is tried again.
func TestASlowOneRecoversInOrder(t *testing.T) {
	const size = 512 << 20
	pause := func(now time.Duration) float64 {
		if now > 2*time.Second && now < 10*time.Second {
			return 1000
		}
		return 10 * mb
	}
	r := inOrder(newRace(t, size, pause, steady(10*mb)))
	r.run()
	ideal := seconds(size+80*mb, 20*mb)
	t.Log(ideal, r)
	if limit := ideal + retryAfter/2 + 500*time.Millisecond; r.took > limit {
		t.Errorf("took %v, ideal is %v and the limit %v", r.took, ideal, limit)
	}
}

// TestTheWindowNeverDeadlocks: any sessions, that may end at any time, and
// pieces that turn out bad, with little memory.
func TestTheWindowNeverDeadlocks(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		size := int64(1+random.IntN(100))<<20 + int64(random.IntN(PieceBytes))
		var rates []float64
		for range 2 + random.IntN(7) {
			rates = append(rates, mb*100/(1+99*random.Float64()*random.Float64()))
		}
		r := steadyRace(t, size, rates...)
		r.window = int64(1+random.IntN(8)) * PieceBytes
		reopened := 0
		r.each = func(r *race) {
			switch n := random.IntN(1000); {
			case n == 0: // all but the last may end
				r.leave(SessionID(random.IntN(len(rates) - 1)))
			case n < 5 && r.first() > 0 && reopened < 20:
				r.assign.Reopen(PieceRange(PieceIndex(random.Int64N(r.first())), size))
				reopened++
				r.slide()
			}
		}
		r.run() // fails after long
		if seed < 10 {
			t.Log(seed, size>>20, r.window>>20, reopened, r)
		}
	}
}

// TestInOrderIsNotSlowerThanTheBestAlone: as without a window, with an eighth
// to spare, since a slow session's piece may hold up the rest.
func TestInOrderIsNotSlowerThanTheBestAlone(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		size := int64(16+random.IntN(300)) << 20
		var rates []float64
		for range 8 {
			rates = append(rates, mb*100/(1+99*random.Float64()*random.Float64()))
		}
		r := inOrder(steadyRace(t, size, rates...))
		best := time.Duration(math.MaxInt64)
		for i, w := range r.runners {
			w.rtt = time.Duration(1+random.IntN(100)) * time.Millisecond
			best = min(best, w.rtt+seconds(size, rates[i]))
		}
		r.run()
		if r.took > best*9/8+2*RateInterval {
			t.Errorf("seed %d: %d bytes at %.0f: took %v, the best alone takes %v", seed, size, rates, r.took, best)
		}
	}
}

// TestTheFirstBytesAreTheFastests: a session that is slow, and is known to be,
// asks first and gets what comes later, or nothing where all of the window comes
// sooner without it.
func TestTheFirstBytesAreTheFastests(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, tc := range []struct {
		slow, fast float64
		window     int64 // in pieces
		want       int64 // the slow one's first piece; -1: none
	}{
		{slow: 10 * mb, fast: 10 * mb, window: 32, want: 0},
		{slow: 9 * mb, fast: 10 * mb, window: 32, want: 0}, // as good as equal
		{slow: 2 * mb, fast: 20 * mb, window: 32, want: 7},
		{slow: 1 * mb, fast: 100 * mb, window: 128, want: 79},
		{slow: 1 * mb, fast: 100 * mb, window: 32, want: -1},
	} {
		a := New(1<<30, 2)
		a.Window(tc.window * PieceBytes)
		a.Join(0, 0, tc.slow)
		a.Join(1, 1, tc.fast)
		a.Next(now, 1) // it is there, and has worked off what it got
		a.Release(1)
		a.workers[1].asked = now
		got, ok := a.Next(now, 0)
		switch {
		case tc.want < 0 && ok:
			t.Errorf("%+v: got %v", tc, got.Data)
		case tc.want >= 0 && (!ok || got.Data.Start != tc.want*PieceBytes):
			t.Errorf("%+v: got %v, %v", tc, got.Data, ok)
		}
		if first, ok := a.Next(now, 1); tc.want != 0 && (!ok || first.Data.Start != 0) {
			t.Errorf("%+v: the fast one got %v, %v", tc, first.Data, ok)
		}
		for _, w := range a.order {
			for _, g := range w.grants {
				if g.End > tc.window*PieceBytes {
					t.Errorf("%+v: %v was given", tc, g)
				}
			}
		}
	}
}
