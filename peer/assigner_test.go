package peer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const mb = 1e6

// seconds returns how long n bytes take at a rate.
func seconds(n int64, rate float64) time.Duration {
	return time.Duration(float64(n) / rate * float64(time.Second))
}

func sum(rates []float64) (total float64) {
	for _, rate := range rates {
		total += rate
	}
	return total
}

// TestAllEndTogether holds the time of a fetch against what the sum of the
// rates would take, and the last twentieth of the bytes against its share.
func TestAllEndTogether(t *testing.T) {
	for _, rates := range [][]float64{
		{10 * mb},
		{10 * mb, 10 * mb, 10 * mb},
		{10 * mb, 10 * mb, 10 * mb, 10 * mb},
		{20 * mb, 2 * mb},
		{50 * mb, 50 * mb, 5 * mb},
		{100 * mb, 50 * mb, 25 * mb, 12 * mb},
		{100 * mb, 1 * mb},
		{1 * mb, 100 * mb},
	} {
		t.Run(fmt.Sprint(rates), func(t *testing.T) {
			const size = 512<<20 + 12345
			r := steadyRace(t, size, rates...)
			r.run()
			t.Log(r)
			ideal := seconds(size, sum(rates))
			if limit := ideal + ideal/100 + raceRTT; r.took > limit {
				t.Errorf("took %v, ideal is %v and the limit %v", r.took, ideal, limit)
			}
			if alone := seconds(size, slices.Max(rates)) + raceRTT; r.took > alone+raceStep {
				t.Errorf("took %v, the fastest alone takes %v", r.took, alone)
			}
			if r.wasted() > size/100 {
				t.Errorf("%d bytes came in vain", r.wasted())
			}
			for _, w := range r.runners {
				if share := rates[w.id] / sum(rates) * size; float64(w.got) < 0.95*share-PieceBytes || float64(w.got) > 1.05*share+PieceBytes {
					t.Errorf("session of %v B/s got %d bytes, its share is %.0f", rates[w.id], w.got, share)
				}
			}
			r.tail(t)
		})
	}
}

// tail fails the test if the last twentieth of the bytes took more than 1.2 of
// its share of the time, and a round trip.
func (r *race) tail(t *testing.T) {
	t.Helper()
	at := slices.Sorted(slices.Values(r.gotAt))
	before := at[len(at)*95/100]
	if limit := r.took*6/100 + raceRTT; r.took-before > limit {
		t.Errorf("the last twentieth took %v of %v, the limit is %v", r.took-before, r.took, limit)
	}
}

// TestOneSlowsDown: one of three falls to 1 % in the middle.
func TestOneSlowsDown(t *testing.T) {
	const size = 512 << 20
	at := seconds(size/2, 30*mb)
	for _, change := range []time.Duration{at, at + 3*time.Second, seconds(size, 30*mb) - 500*time.Millisecond} {
		r := newRace(t, size, steady(10*mb), steady(10*mb), changing(10*mb, change, 0.1*mb))
		r.run()
		done := int64(change.Seconds() * 30 * mb)
		ideal := change + seconds(size-done, 20.1*mb)
		t.Log(ideal, r)
		if r.took > ideal*115/100 {
			t.Errorf("took %v, ideal is %v", r.took, ideal)
		}
		if r.wasted() > size/100 {
			t.Errorf("%d bytes came in vain", r.wasted())
		}
	}
}

// TestOneDies: one of three ends in the middle, and has to be missed first.
func TestOneDies(t *testing.T) {
	const size = 512 << 20
	at := seconds(size/2, 30*mb)
	r := newRace(t, size, steady(10*mb), steady(10*mb), changing(10*mb, at, 0))
	r.each = func(r *race) {
		if r.now > at+minSilence {
			r.leave(2)
		}
	}
	r.run()
	ideal := at + seconds(size/2, 20*mb)
	t.Log(ideal, r)
	if r.took > ideal*110/100 {
		t.Errorf("took %v, ideal is %v", r.took, ideal)
	}
	if r.runners[2].got == 0 || r.runners[2].got > size/5 {
		t.Errorf("the one that died got %d bytes", r.runners[2].got)
	}
}

// TestNeverSlowerThanTheBestAlone: eight sessions of any rates and round trips.
// Every second time the rates are about known from an earlier run; else it takes
// a sample or two until one that is slow is seen to be.
func TestNeverSlowerThanTheBestAlone(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		size := int64(16+random.IntN(300)) << 20 // of less each has a piece or two, before any rate is known
		var rates []float64
		for range 8 {
			rates = append(rates, mb*100/(1+99*random.Float64()*random.Float64()))
		}
		r := steadyRace(t, size, rates...)
		best := time.Duration(1<<62 - 1)
		for i, w := range r.runners {
			w.rtt = time.Duration(1+random.IntN(100)) * time.Millisecond
			best = min(best, w.rtt+seconds(size, rates[i])+raceStep)
		}
		if seed%2 == 0 {
			for i := range rates {
				r.assign.join(workerID(i), rates[i]*(0.8+0.4*random.Float64()))
			}
		} else {
			best += 2 * rateInterval
		}
		r.run()
		if testing.Verbose() {
			t.Log(seed, size>>20, seconds(size, sum(rates)), best, r)
		}
		if r.took > best {
			t.Errorf("seed %d: %d bytes at %.0f: took %v, the best alone takes %v", seed, size, rates, r.took, best)
		}
		hopeless := 0 // sessions of which any piece may be repeated
		for _, rate := range rates {
			if rate*hopelessly <= slices.Max(rates) {
				hopeless++
			}
		}
		if size >= bigFile && r.wasted() > size/100+int64(hopeless)*PieceBytes {
			t.Errorf("seed %d: of %d bytes %d came in vain", seed, size, r.wasted())
		}
	}
}
