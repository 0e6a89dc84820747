package arq

import (
	"testing"
	"time"
)

// request has a story send a control burst of n segments.
func (st *story) request(n int) {
	st.t.Helper()
	if err := st.s.WriteControl(make([]byte, n*simSegment)); err != nil {
		st.t.Fatal(err)
	}
}

// TestARequestIsSentTwice, the second time after a quarter of a round trip. The round
// trip is that of the first, and a copy that was not needed is no repeat for want of
// patience.
func TestARequestIsSentTwice(t *testing.T) {
	st := newStory(t, Config{CopyControl: true})
	st.request(1)
	st.sends("0/1 x")
	st.timer(storyRTT / 4)
	st.at(storyRTT / 4)
	st.sends("0/1 x again")
	st.timer(storyProbe)
	st.at(90 * time.Millisecond)
	st.ack(0, "0/1 x")
	st.done()
	if got := st.s.rtt.latest; got != 90*time.Millisecond {
		t.Errorf("round trip %v", got)
	}
	st.repeats = 1
	st.at(115 * time.Millisecond)
	st.ack(1, "0/1 x")
	st.done()
	if s := st.s.Stats(); s.Segments != 2 || s.Repeated != 1 || s.Spurious != 0 || st.s.loss.spurious {
		t.Errorf("%+v", s)
	}
}

// TestARequestIsLost and its copy is not: that takes a quarter of a round trip more.
// The next one is copied too.
func TestARequestIsLost(t *testing.T) {
	st := newStory(t, Config{CopyControl: true})
	st.request(1)
	st.sends("0/1 x")
	st.at(storyRTT / 4)
	st.sends("0/1 x again")
	st.at(storyRTT * 5 / 4)
	st.ack(1, "0/1 x")
	st.done()
	if got := st.s.rtt.smoothed; got != storyRTT {
		t.Errorf("round trip %v after an acknowledgement that says nothing of it", got)
	}
	st.request(1)
	st.sends("0/2 x")
	st.at(storyRTT * 6 / 4)
	st.sends("0/2 x again")
	st.at(storyRTT*5/4 + storyProbe) // both are lost
	st.sends("0/2 x again")
	st.at(storyRTT*9/4 + storyProbe)
	st.ack(4, "0/2 x")
	st.done()
}

// TestWhatIsNotSentTwice: what is acknowledged before, what is longer, and what is
// nobody's request.
func TestWhatIsNotSentTwice(t *testing.T) {
	st := newStory(t, Config{CopyControl: true})
	st.request(1)
	st.sends("0/1 x")
	st.at(storyRTT/4 - 1)
	st.ack(0, "0/1 x")
	st.done()
	st.request(2)
	st.sends("0/2 xx")
	st.timer(storyRTT/4 - 1 + st.s.ProbeTimeout())

	st = newStory(t, Config{})
	st.request(1)
	st.sends("0/1 x")
	st.timer(storyProbe)
}

// TestACopyOfABurstThatWasCutAnew: it is none of the burst that was, and uses no number
// that another datagram has.
func TestACopyOfABurstThatWasCutAnew(t *testing.T) {
	st := newStory(t, Config{CopyControl: true})
	st.request(1)
	st.sends("0/1 x")
	st.s.Shrink(simSegment / 2)
	st.sends("0/2 xx")
	st.at(storyRTT / 4)
	st.sends()
	st.timer(storyProbe)
}
