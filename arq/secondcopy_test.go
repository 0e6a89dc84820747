package arq

import (
	"testing"
	"time"
)

// lossyStory is a story of a path that has lost some of the 10,000 segments that were
// sent over it, and is paced.
func lossyStory(t *testing.T, lost uint64) *story {
	st := newStory(t, Config{Burst: 4})
	st.s.stats.Segments, st.s.stats.Lost = 10_000, lost
	st.cc.RateBytesPerSec = 1e12
	return st
}

// TestTheLastSegmentsAreSentTwice where the path loses some, the last first, and not
// those of which a loss is found out before a copy is there. What a copy brings is no
// repeat for want of patience.
func TestTheLastSegmentsAreSentTwice(t *testing.T) {
	st := lossyStory(t, 100)
	st.send(4)
	st.sends("1/1 xxxx", "1/1 xxxx again")
	st.at(10 * time.Millisecond)
	st.send(8)
	st.sends("2/1 xxxx", "3/1 xxxx", "3/1 xxxx again", "2/1 xxxx again") // and not 1/1 a third time
	st.at(110 * time.Millisecond)
	st.ack(14, "1/1 xxxx", "2/1 xxxx", "3/1 xxx.") // of the first transmissions
	st.at(111 * time.Millisecond)
	st.repeats = 11
	st.ack(19, "3/1 xxxx")
	st.done()
	if s := st.s.Stats(); s.Repeated != 12 || s.Spurious != 0 || st.s.loss.spurious {
		t.Errorf("%d sent again, %d spurious", s.Repeated, s.Spurious)
	}
	st.repeats = 14
	st.ack(19, "3/1 xxxx")
	if s := st.s.Stats(); s.Spurious != 2 || !st.s.loss.spurious {
		t.Errorf("%d spurious, want two of the three more, since one copy was needed", s.Spurious)
	}
}

// TestOldSegmentsHaveNoSecondCopy: the loss of one is found out 125 ms after it was sent.
func TestOldSegmentsHaveNoSecondCopy(t *testing.T) {
	st := lossyStory(t, 100)
	st.queue(1, 4)
	st.sends("1/1 xxxx")
	st.now = st.now.Add(20 * time.Millisecond) // in which nobody asks what is to be sent
	st.queue(1, 4)
	st.sends("2/1 xxxx")
	st.now = st.start.Add(storyLost - time.Millisecond)
	st.sends("2/1 xxxx again", "1/1 xxxx again")

	st = lossyStory(t, 100)
	st.queue(1, 4)
	st.sends("1/1 xxxx")
	st.now = st.now.Add(20 * time.Millisecond)
	st.queue(1, 4)
	st.sends("2/1 xxxx")
	st.now = st.start.Add(storyLost)
	st.sends("2/1 xxxx again")
	st.quiet()
}

// TestSecondCopiesAreFew: one in 200 of what was sent.
func TestSecondCopiesAreFew(t *testing.T) {
	st := lossyStory(t, 100)
	sent := 0
	for range 100 {
		st.queue(1, 4)
		if _, ok := st.s.Poll(st.now); !ok {
			t.Fatal("nothing is sent")
		}
		for {
			tr, ok := st.s.Poll(st.now)
			if !ok {
				break
			}
			if !tr.Repeat {
				t.Fatalf("%+v is no copy", tr)
			}
			sent += 4
		}
	}
	if most := 0.005 * float64(st.s.Stats().Segments); float64(sent) > most || float64(sent) < most-4 {
		t.Errorf("%d segments were copied of %d", sent, st.s.Stats().Segments)
	}
}

// TestNoSecondCopies where nothing is lost, or nothing is paced, nor of control
// messages.
func TestNoSecondCopies(t *testing.T) {
	st := lossyStory(t, 9)
	st.send(4)
	st.sends("1/1 xxxx")
	st.quiet()

	st = lossyStory(t, 100)
	st.cc.RateBytesPerSec = 0
	st.send(4)
	st.sends("1/1 xxxx")
	st.quiet()

	st = lossyStory(t, 100)
	if err := st.s.WriteControl(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	st.sends("0/1 x")
	st.quiet()
}

// usedPath is a controller whose path somebody else uses to the full.
type usedPath struct{ *ledger }

func (usedPath) SetLimited(bool) bool { return false }

// TestNoSecondCopiesInPlaceOfOthers: neither of what another session with the same path
// has to send, nor of what waits for a channel.
func TestNoSecondCopiesInPlaceOfOthers(t *testing.T) {
	cc := &ledger{Fixed: Fixed{WindowBytes: 1 << 30, RateBytesPerSec: 1e12}}
	st := newStory(t, Config{Burst: 4, Controller: usedPath{cc}})
	st.s.stats.Segments, st.s.stats.Lost = 10_000, 100
	st.send(4)
	st.sends("1/1 xxxx")
	st.quiet()

	st = lossyStory(t, 100)
	st.s.cfg.Channels = 1
	st.send(8)
	st.sends("1/1 xxxx")
	st.quiet()
}

// TestSecondCopiesArePaced as all is.
func TestSecondCopiesArePaced(t *testing.T) {
	st := lossyStory(t, 100)
	st.cc.RateBytesPerSec = 4 * simSegment / 0.004 // the bucket holds a burst
	st.send(4)
	st.sends("1/1 xxxx")
	st.quiet()
	next := st.s.NextTimeout().Sub(st.start)
	if next <= 0 || next > 10*time.Millisecond {
		t.Fatalf("the copy is due at %v", next)
	}
	st.at(next)
	st.sends("1/1 xxxx again")
}
