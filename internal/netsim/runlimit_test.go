package netsim

import (
	"math"
	"slices"
	"testing"
	"time"
)

// longest returns the longest run of want in events, and how many there are.
func longest(events []bool, want bool) (run, all int) {
	now := 0
	for _, e := range events {
		if e != want {
			now = 0
			continue
		}
		now++
		all++
		run = max(run, now)
	}
	return run, all
}

// meanWithLimit is how many of n events of probability p happen when no more than
// most of them may in a row: a cycle is a run of up to most and one that does not.
func meanWithLimit(p float64, most int, n float64) float64 {
	run := 0.0 // the mean number of events in a cycle
	for i := 1; i <= most; i++ {
		run += math.Pow(p, float64(i))
	}
	return n * run / (run + 1)
}

// TestLossRun: without the limit runs of seven and more come up; with it they end
// at three, and the share that is lost is what remains of it.
func TestLossRun(t *testing.T) {
	const count, loss = 20_000, 0.3
	for seed := range uint64(5) {
		free, _ := longest(passed(NewImpairer(Link{Loss: loss}, seed), count, time.Millisecond), false)
		run, lost := longest(passed(NewImpairer(Link{Loss: loss, LossRun: 3}, seed), count, time.Millisecond), false)
		if free < 7 || run != 3 {
			t.Errorf("seed %d: %d lost in a row without a limit, %d with one of 3", seed, free, run)
		}
		want, deviation := meanWithLimit(loss, 3, count), math.Sqrt(count*loss*(1-loss))
		if math.Abs(float64(lost)-want) > 5*deviation {
			t.Errorf("seed %d: %d of %d lost, want about %.0f", seed, lost, count, want)
		}
	}
	if run, _ := longest(passed(NewImpairer(Link{Loss: 1, LossRun: 3}, 1), 100, time.Millisecond), false); run != 3 {
		t.Errorf("where all is lost, %d are in a row", run)
	}
}

// TestCorruptHead: one byte of the first ones gets another value, each of them now
// and then, and no more than three datagrams in a row are damaged.
func TestCorruptHead(t *testing.T) {
	const count, head = 20_000, 50
	original := slices.Repeat([]byte{0x5a}, 200)
	for seed := range uint64(3) {
		im := NewImpairer(Link{Corrupt: 0.3, CorruptRun: 3, CorruptHead: head}, seed)
		hit, values, damaged := map[int]bool{}, map[byte]bool{}, make([]bool, count)
		for i := range damaged {
			got, differ := im.Admit(start, original)[0].Datagram, 0
			for j, b := range got {
				if b != original[j] {
					differ++
					hit[j], values[b] = true, true
				}
			}
			if differ > 1 {
				t.Fatalf("seed %d: %d bytes changed", seed, differ)
			}
			damaged[i] = differ == 1
		}
		run, all := longest(damaged, true)
		want, deviation := meanWithLimit(0.3, 3, count), math.Sqrt(count*0.3*0.7)
		if run != 3 || math.Abs(float64(all)-want) > 5*deviation || uint64(all) != im.Counters().Corrupted {
			t.Errorf("seed %d: %d damaged, %d of them in a row, %d counted; want about %.0f", seed, all, run, im.Counters().Corrupted, want)
		}
		if len(hit) != head || len(values) != 255 {
			t.Errorf("seed %d: %d bytes were hit, want the first %d; they got %d values of 255", seed, len(hit), head, len(values))
		}
		for j := range hit {
			if j >= head {
				t.Errorf("seed %d: byte %d was hit", seed, j)
			}
		}
	}
	short := NewImpairer(Link{Corrupt: 1, CorruptHead: head}, 1)
	if d := short.Admit(start, []byte{7}); d[0].Datagram[0] == 7 {
		t.Error("a datagram of one byte was not damaged")
	}
}

// TestLoseByNumber: what is told to be lost is, and nothing else.
func TestLoseByNumber(t *testing.T) {
	im := NewImpairer(Link{}, 1)
	im.Lose(2, 3)
	im.Lose(6)
	if got, want := passed(im, 8, time.Millisecond), []bool{true, false, false, true, true, false, true, true}; !slices.Equal(got, want) {
		t.Errorf("passed %v, want %v", got, want)
	}
	if c := im.Counters(); c.Lost != 3 || c.Sent != 8 {
		t.Errorf("counted %+v", c)
	}
}
