package arq

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPacerKeepsTheRate: over any time the pacer lets through what the rate
// allows and one bucket, however late it is woken.
func TestPacerKeepsTheRate(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		rate := 1e5 * float64(1+rng.IntN(10000)) // 100 kB/s to 1 GB/s
		burst := 1000 * (1 + rng.IntN(64))
		late := time.Duration(rng.IntN(int(pacerDepth)))
		var p pacer
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now, sent := start, 0
		for n := 0; n < 2000; {
			p.refill(now, rate, 2*simSegment)
			if p.ready() {
				p.take(burst)
				sent += burst
				n++
				continue
			}
			at := p.readyAt(rate)
			if !at.After(now) {
				t.Fatalf("seed %d: not ready at %v, but %v is when to come back", seed, now, at)
			}
			now = at
			if p.refill(now, rate, 2*simSegment); !p.ready() {
				t.Fatalf("seed %d: not ready at the time it gave", seed)
			}
			if late > 0 && rng.IntN(2) == 0 {
				now = now.Add(time.Duration(rng.IntN(int(late))))
			}
		}
		took := now.Sub(start).Seconds()
		depth := max(2*simSegment, rate*pacerDepth.Seconds())
		if most := rate*took + depth + float64(burst); float64(sent) > most+1 {
			t.Errorf("seed %d: %d bytes in %.3f s at %.0f/s, at most %.0f", seed, sent, took, rate, most)
		}
		// A wake-up within the bucket's depth costs nothing.
		if least := rate*took - float64(burst) - depth; float64(sent) < least-1 {
			t.Errorf("seed %d: %d bytes in %.3f s at %.0f/s, at least %.0f", seed, sent, took, rate, least)
		}
	}
}

// TestPacerDoesNotSave: time without sending fills one bucket, no more.
func TestPacerDoesNotSave(t *testing.T) {
	var p pacer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.refill(now, 1e5, 3000)
	p.take(3000)
	p.refill(now.Add(time.Hour), 1e5, 3000)
	if p.tokens != 3000 {
		t.Errorf("%.0f bytes after an hour at 100 kB/s, want the least bucket of 3000", p.tokens)
	}
	p.refill(now.Add(2*time.Hour), 1e8, 3000)
	if p.tokens != 400e3 {
		t.Errorf("%.0f bytes after an hour at 100 MB/s, want 4 ms of it", p.tokens)
	}
	p.refill(now, 1e8, 3000) // a clock that goes back gives nothing
	if p.tokens != 400e3 {
		t.Errorf("%.0f bytes after a step back", p.tokens)
	}
}

// TestPollIsPaced: a burst of a millisecond, then nothing until the bucket has
// refilled.
func TestPollIsPaced(t *testing.T) {
	cc := &Fixed{WindowBytes: 1 << 30, RateBytesPerSec: 8e6}
	st := newStory(t, Config{Controller: cc})
	st.send(56)
	st.sends("1/1 xxxxxxxx", "2/1 xxxxxxxx", "3/1 xxxxxxxx", "4/1 xxxxxxxx") // the bucket holds 32,000 bytes
	st.timer(time.Microsecond)                                               // an empty bucket refills at once
	st.at(time.Microsecond)
	st.sends("5/1 xxxxxxxx")
	st.timer(1001 * time.Microsecond)
	st.at(1001 * time.Microsecond)
	st.sends("6/1 xxxxxxxx")
	st.timer(2001 * time.Microsecond)
	st.now = st.start.Add(2500 * time.Microsecond) // the timer is late: what was missed is not lost
	st.sends("7/1 xxxxxxxx")
	if got := cc.pacer.tokens; got < -4001 || got > -3999 {
		t.Errorf("%.0f bytes in the bucket, want -4000", got)
	}
	if at := st.s.NextTimeout(); at.Sub(st.start) < 100*ms {
		t.Errorf("a timer for %v, though nothing waits", at.Sub(st.start))
	}
}
