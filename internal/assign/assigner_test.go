package assign

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
		if r.now > at+silence {
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
				r.assign.Join(SessionID(i), i, rates[i]*(0.8+0.4*random.Float64()))
			}
		} else {
			best += 2 * RateInterval
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

// TestWorkIsMeasuredInSeconds: what a session holds is about leaseTime of its
// rate, whatever that is, so that nothing slow holds much; and it is given that
// in a few ranges a second, and a few more at the end.
func TestWorkIsMeasuredInSeconds(t *testing.T) {
	r := steadyRace(t, 1<<30, 100*mb, 10*mb)
	r.run()
	for _, w := range r.runners {
		rate := w.rate(0)
		held := float64(w.most) / rate
		if held < 0.5*leaseTime.Seconds() || w.most > max(FirstLease, int64(1.3*rate*leaseTime.Seconds())) {
			t.Errorf("at %v B/s a session held %d bytes, %.2f s of work", rate, w.most, held)
		}
	}
	if limit := int(5*r.took.Seconds())*len(r.runners) + 10; r.asked > limit {
		t.Errorf("%d ranges in %v, the limit is %d", r.asked, r.took, limit)
	}
}

func TestSmallAndUnalignedFiles(t *testing.T) {
	for _, size := range []int64{0, 1, PieceBytes - 1, PieceBytes, PieceBytes + 1, 5*PieceBytes + 17} {
		r := steadyRace(t, size, 1*mb, 1*mb, 1*mb)
		r.run()
		if !r.assign.Complete() || r.assign.done.Len() != size || len(r.assign.free.Ranges()) != 0 {
			t.Errorf("%d bytes: %+v", size, r.assign)
		}
		if lease, ok := r.assign.Next(r.clock(), 0); ok {
			t.Errorf("%d bytes: %v leased when all is done", size, lease)
		}
	}
}

// TestTheFirstLeavesWorkForAll: the session that asks first does not take what
// all that are expected could share.
func TestTheFirstLeavesWorkForAll(t *testing.T) {
	r := steadyRace(t, 8*PieceBytes, 1*mb, 1*mb, 1*mb, 1*mb)
	if got, ok := r.assign.Next(r.clock(), 0); !ok || got.Data.Len() != 2*PieceBytes {
		t.Errorf("the first got %v, %v", got, ok)
	}
	r.assign.Release(0)
	r.run()
	for _, w := range r.runners {
		if w.got != 2*PieceBytes {
			t.Errorf("session %d got %d bytes, want two pieces", w.id, w.got)
		}
	}
}

// TestNobodyWaitsForThoseWhoDoNotCome: of eight sessions expected one joins.
func TestNobodyWaitsForThoseWhoDoNotCome(t *testing.T) {
	const size = 32 << 20
	r := steadyRace(t, size, 10*mb)
	r.assign.expected = 8
	r.run()
	if limit := seconds(size, 10*mb) + 2*raceRTT; r.took > limit {
		t.Errorf("took %v, the limit is %v", r.took, limit)
	}
}

// TestAStoppedSessionIsReplaced: what a session that leaves had is fetched by
// the others, and nothing of it twice.
func TestAStoppedSessionIsReplaced(t *testing.T) {
	r := steadyRace(t, 64<<20, 10*mb, 10*mb, 10*mb)
	for _, w := range r.runners {
		r.take(w)
	}
	held := r.assign.workers[1].held
	if got := r.assign.Leave(1); got != held || held == 0 {
		t.Errorf("%d bytes came back, %d were held", got, held)
	}
	r.runners[1].gone = true
	r.run()
}

// TestTheSameCallsHaveTheSameAnswers, with all that can happen in a fetch.
func TestTheSameCallsHaveTheSameAnswers(t *testing.T) {
	story := func(window int64) []string {
		random := rand.New(rand.NewPCG(1, 2))
		var rates []func(time.Duration) float64
		for range 12 {
			rates = append(rates, changing(100*mb*random.Float64(), time.Second, 10*mb*random.Float64()))
		}
		r := newRace(t, 200<<20, rates...)
		r.window = window
		r.each = func(r *race) {
			if r.now == 1500*time.Millisecond {
				r.leave(3)
				r.assign.Release(4)
			}
		}
		r.run()
		return r.log
	}
	for _, window := range []int64{0, 32 << 20} {
		once := story(window)
		for range 3 {
			if again := story(window); !slices.Equal(again, once) {
				t.Fatalf("window %d: the second run differs", window)
			}
		}
	}
}

// BenchmarkNext is a turn of one of 64 sessions, and the receipt of what it was
// given, in a file of a million pieces.
func BenchmarkNext(b *testing.B) {
	const n, sessions = 1_000_000, 64
	for _, tc := range []struct {
		name   string
		holes  int64 // a piece in so many is there already; 0: none
		window int64
	}{{"whole", 0, 0}, {"a thousand holes", 1000, 0}, {"window", 0, 256 * PieceBytes}} {
		b.Run(tc.name, func(b *testing.B) {
			now := time.Unix(1e9, 0)
			var a *Assigner
			fresh := func() {
				a = New(n*PieceBytes, sessions)
				for i := int64(0); tc.holes > 0 && i < n; i += tc.holes {
					a.Have(pieces(i, i+1))
				}
				for id := range SessionID(sessions) {
					a.Join(id, int(id), 0)
					a.Measured(now, id, mb*float64(1+id), 10*time.Millisecond, 0)
				}
			}
			fresh()
			turn := 0
			for b.Loop() {
				id := SessionID(turn % sessions)
				turn++
				now = now.Add(time.Millisecond)
				if tc.window > 0 {
					var first int64
					if done := a.done.Ranges(); len(done) > 0 {
						first = done[0].End
					}
					a.Window(first + tc.window)
				}
				got, ok := a.Next(now, id)
				if ok {
					for i := PieceIndex(got.Data.Start); i < PieceIndex(got.Data.End); i++ {
						a.Received(id, pieces(i, i+1))
					}
				}
				if a.left < n/10*PieceBytes {
					fresh()
				}
			}
		})
	}
}

// BenchmarkTail is the turn of a session that has nothing left to do, among 256
// of which each holds a second of work: the dearest there is.
func BenchmarkTail(b *testing.B) {
	const sessions = 256
	now := time.Unix(1e9, 0)
	a := New(100*(sessions-1)*PieceBytes, sessions)
	for id := range SessionID(sessions) {
		a.Join(id, int(id), 0)
		for range firstSamples {
			a.Measured(now, id, 100*mb, 10*time.Millisecond, 0)
		}
		if id > 0 {
			a.lease(id, pieces(100*int64(id-1), 100*int64(id)))
			for p := range int64(100) {
				a.Begun(id, pieces(100*int64(id-1)+p, 100*int64(id-1)+p+1))
			}
		}
	}
	a.Measured(now, 0, 1*mb, 10*time.Millisecond, 0)
	for b.Loop() {
		if got, ok := a.Next(now, 0); ok {
			b.Fatal(got)
		}
	}
}
