package arq

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"chunkcp/proto"
)

// scripted returns these numbers, one after the other, then the last for ever.
func scripted(values ...uint64) func() uint64 {
	return func() uint64 {
		v := values[0]
		if len(values) > 1 {
			values = values[1:]
		}
		return v
	}
}

// oftenSkipping has a number skipped in four and a segment withheld in five
// bursts or so.
func oftenSkipping(seed uint64) func() uint64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	return func() uint64 { return rng.Uint64N(8) }
}

// TestASkippedNumberIsNotAcknowledged: who names a number that was left out has
// not received it.
func TestASkippedNumberIsNotAcknowledged(t *testing.T) {
	st := newStory(t, Config{Burst: 3, Random: scripted(4, 2000, 100)})
	st.send(9)
	st.sends("1/1 xxx", "2/1 xxx", "3/1 xxx")
	if st.last.First != 7 {
		t.Fatalf("the third burst begins at %d, want 7: 6 is skipped", st.last.First)
	}
	st.at(100 * ms)
	st.ack(5, "1/1 xxx", "2/1 xxx")
	st.ack(7, "3/1 x..")
	st.ack(9, "3/1 xxx")
	st.done()
	if err := st.tryAck(6, "2/1 xxx"); !errors.Is(err, ErrViolation) {
		t.Errorf("error %v, want %v", err, ErrViolation)
	}
}

// TestSkippedNumbersAreRareAndKept: one number in 2,048, at places that differ,
// whichever call takes it; the last sixteen are known.
func TestSkippedNumbersAreRareAndKept(t *testing.T) {
	const total = 4_000_000
	rng := rand.New(rand.NewPCG(3, 4))
	n := newNumbers(rng.Uint64)
	var skipped, gaps []proto.PacketNumber
	for next := proto.PacketNumber(0); next < total; {
		count := 1 + rng.IntN(64)
		first := n.take(count)
		if first == next+1 {
			if len(skipped) > 0 {
				gaps = append(gaps, next-skipped[len(skipped)-1])
			}
			skipped = append(skipped, next)
		} else if first != next {
			t.Fatalf("number %d after %d", first, next-1)
		}
		next = first + proto.PacketNumber(count)
	}
	if share := float64(len(skipped)) / total; share < 0.0004 || share > 0.001 {
		t.Errorf("%d of %d numbers skipped, a share of %.5f", len(skipped), total, share)
	}
	slices.Sort(gaps)
	if different := len(slices.Compact(gaps)); different < len(skipped)*2/3 {
		t.Errorf("only %d different gaps between %d skipped numbers", different, len(skipped))
	}
	for i, pn := range skipped {
		if known := i >= len(skipped)-keptSkips; n.unsent(pn) != known {
			t.Errorf("skipped number %d of %d: known %v, want %v", i, len(skipped), n.unsent(pn), known)
		}
	}
	if n.unsent(n.next-1) || !n.unsent(n.next) {
		t.Error("the border between sent and unsent is not where it should be")
	}
}

// withholding is a story whose second burst of four lacks segment 1 at first.
func withholding(t *testing.T) *story {
	st := newStory(t, Config{Burst: 4, Channels: 2, Random: scripted(4000, 1, 100, 1)})
	st.send(12)
	st.sends("1/1 xxxx", "2/1 x.xx")
	st.at(100 * ms)
	return st
}

// TestAWithheldSegmentIsNotAcknowledged: who says that a burst is whole before
// it has been sent whole has not waited for it.
func TestAWithheldSegmentIsNotAcknowledged(t *testing.T) {
	for name, claim := range map[string]string{"whole": "2/1 xxxx", "one too many": "2/1 .x..", "early": "2/1 xx.."} {
		t.Run(name, func(t *testing.T) {
			st := withholding(t)
			if err := st.tryAck(6, claim); !errors.Is(err, ErrViolation) {
				t.Errorf("error %v, want %v", err, ErrViolation)
			}
		})
	}
}

// TestAWithheldSegmentComesLast: it is sent once the others have arrived, as
// what it is, the first of its kind.
func TestAWithheldSegmentComesLast(t *testing.T) {
	st := withholding(t)
	st.ack(4, "1/1 xxxx", "2/1 x...")
	st.sends("1/2 xxxx")
	st.ack(6, "2/1 x.xx")
	st.sends("2/1 .x..")
	st.at(200 * ms)
	st.ack(11, "2/1 xxxx", "1/2 xxxx")
	st.done()
	if s := st.s.Stats(); s.Segments != 12 || s.Repeated != 0 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// TestAWithheldSegmentWaitsForRepairs: what was lost of its burst comes first.
func TestAWithheldSegmentWaitsForRepairs(t *testing.T) {
	st := withholding(t)
	st.ack(6, "1/1 xxxx", "2/1 ..xx")
	st.sends("1/2 xxxx")
	st.at(storyLost)
	st.sends("2/1 x... again")
	st.at(storyLost + 75*ms)
	st.ack(10, "1/2 xxxx")
	st.at(storyLost + 100*ms)
	st.ack(11, "2/1 x.xx")
	st.sends("2/1 .x..")
	st.at(storyLost + 200*ms)
	st.ack(12, "2/1 xxxx")
	st.done()
}

// TestTheEndIsNotHeldUp: with less waiting than there is in flight, nothing is
// withheld.
func TestTheEndIsNotHeldUp(t *testing.T) {
	st := newStory(t, Config{Burst: 4, Random: scripted(4000, 1, 100, 1)})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(7, "1/1 xxxx", "2/1 xxxx")
	st.done()
}
