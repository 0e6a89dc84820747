package arq

import (
	"fmt"
	"testing"
	"time"

	"chunkcp/proto"
)

const ms = time.Millisecond

// TestBurstLostAfterALaterOne: the first of two bursts is lost. It is repeated
// when the second has been acknowledged and the reordering window has passed.
func TestBurstLostAfterALaterOne(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.timer(storyProbe)

	st.at(100 * ms)
	st.ack(7, "2/1 xxxx")
	st.timer(storyLost) // not before
	if n := st.s.Stats().Lost; n != 0 {
		t.Errorf("%d segments lost within the reordering window", n)
	}
	st.at(storyLost - 1)
	st.ack(7, "2/1 xxxx")
	st.timer(storyLost)

	st.at(storyLost)
	st.sends("1/1 xxxx again")
	if l := st.cc.losses; len(l) != 1 || l[0].Bytes != 4*simSegment || !l[0].SentAt.Equal(st.start) {
		t.Errorf("the controller was told of %+v", st.cc.losses)
	}
	st.at(225 * ms)
	st.ack(11, "1/1 xxxx", "2/1 xxxx")
	st.done()
}

// TestNothingIsLostWithoutALaterAck: silence alone declares nothing lost.
func TestNothingIsLostWithoutALaterAck(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(3, "1/1 xxxx")
	st.timer(storyProbe - 50*ms) // a second sample of 100 ms: the variance is 37.5 ms
}

// TestACopyTellsOfWhatWasSentBefore: second copies come of a burst that has come already. That
// the last of them is named tells that the other burst is lost, both times.
func TestACopyTellsOfWhatWasSentBefore(t *testing.T) {
	st := lossyStory(t, 100)
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx", "2/1 xxxx again", "1/1 xxxx again")
	st.at(100 * ms)
	st.ack(3, "1/1 xxxx")
	st.timer(storyProbe - 50*ms)
	st.repeats = 4
	st.ack(15, "1/1 xxxx")
	st.timer(storyLost)
	st.at(storyLost)
	st.sends("2/1 xxxx again")
	st.at(225 * ms)
	st.ack(19, "2/1 xxxx")
	st.done()
}

// TestNoProbeBeforeALoss: where the reordering window is open the probe timeout waits for it
// (RFC 9002, section 6.2.1).
func TestNoProbeBeforeALoss(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(7, "2/1 xxxx")
	st.s.rtt.variance = 0 // the probe timeout is 106 ms
	st.timer(storyLost)
	st.at(storyLost)
	st.sends("1/1 xxxx again")
	if n := st.s.Stats().Probes; n != 0 {
		t.Errorf("%d probes", n)
	}
	st.at(225 * ms)
	st.ack(11, "1/1 xxxx")
	st.done()
}

// TestReorderingIsNoLoss: the burst that was sent first comes second, within
// the reordering window.
func TestReorderingIsNoLoss(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(7, "2/1 xxxx")
	st.at(storyLost - 1)
	st.ack(3, "1/1 xxxx", "2/1 xxxx")
	st.done()
	if s := st.s.Stats(); s.Lost != 0 || s.Repeated != 0 {
		t.Errorf("%+v", s)
	}
}

// TestHoleIsRepairedAlone: only what the bitmap shows missing is sent again, in
// one call.
func TestHoleIsRepairedAlone(t *testing.T) {
	st := newStory(t, Config{Burst: 8})
	st.send(8)
	st.sends("1/1 xxxxxxxx")
	st.at(100 * ms)
	st.ack(7, "1/1 xx.xx..x")
	st.timer(storyLost)
	st.at(storyLost)
	st.sends("1/1 ..x..xx. again")
	st.at(225 * ms)
	st.ack(10, "1/1 xxxxxxxx")
	st.done()
	if s := st.s.Stats(); s.Segments != 11 || s.Repeated != 3 || s.Lost != 3 {
		t.Errorf("%+v", s)
	}
}

// TestTailOfABurstWaits: what was sent after the last that arrived may be on
// its way.
func TestTailOfABurstWaits(t *testing.T) {
	st := newStory(t, Config{Burst: 8})
	st.send(8)
	st.sends("1/1 xxxxxxxx")
	st.at(100 * ms)
	st.ack(4, "1/1 xx.xx...")
	st.timer(storyLost)
	st.at(storyLost)
	st.sends("1/1 ..x..... again")
	st.at(150 * ms)
	st.ack(7, "1/1 xx.xxxxx")
	st.at(225 * ms)
	st.ack(8, "1/1 xxxxxxxx")
	st.done()
}

// TestRepairIsLostToo: the repeat has a number of its own, so that its loss
// shows like any other.
func TestRepairIsLostToo(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(7, "1/1 .xxx", "2/1 xxxx")
	st.at(storyLost)
	st.sends("1/1 x... again") // packet 8 is lost
	st.at(130 * ms)
	st.send(4)
	st.sends("2/2 xxxx")
	st.at(230 * ms)
	st.ack(12, "2/2 xxxx", "1/1 .xxx")
	wait := max(st.s.rtt.latest, st.s.rtt.smoothed) + 25*ms
	st.timer(storyLost + wait)
	st.at(storyLost + wait)
	st.sends("1/1 x... again")
	st.at(storyLost + wait + 100*ms)
	st.ack(13, "1/1 xxxx")
	st.done()
}

// TestSilenceIsProbed: after a probe timeout one segment goes out, never the
// burst, at intervals that double up to two seconds. Its acknowledgement makes
// the rest lost, and all of that is repaired at once.
func TestSilenceIsProbed(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	at := storyProbe
	for i, gap := range []time.Duration{610 * ms, 1220 * ms, 2000 * ms, 2000 * ms} {
		st.timer(at)
		st.at(at)
		marks := []byte("....")
		marks[i] = 'x'
		st.sends(fmt.Sprintf("1/1 %s again", marks))
		at += gap
	}
	st.timer(at)
	if s := st.s.Stats(); s.Probes != 4 || s.Lost != 0 || st.cc.silence != 0 {
		t.Errorf("%+v, controller told %d times of silence", s, st.cc.silence)
	}
	heard := at - 1900*ms
	st.at(heard)
	st.ack(11, "1/1 ...x")                       // the last of the probes
	st.sends("2/1 xxxx again", "1/1 xxx. again") // in the order of their last transmissions
	st.at(heard + 100*ms)
	st.ack(18, "1/1 xxxx", "2/1 xxxx")
	st.done()
}

// TestNudge: after probes that were not answered the next one would wait four times
// as long. The peer asks for a sign of life, and it does not.
func TestNudge(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(2)
	st.sends("1/1 xx")
	st.at(storyProbe)
	st.sends("1/1 x. again")
	st.at(3 * storyProbe)
	st.sends("1/1 .x again")
	st.timer(7 * storyProbe)
	st.s.Nudge()
	st.timer(4 * storyProbe)
	st.at(4 * storyProbe)
	st.sends("1/1 x. again")
	st.timer(6 * storyProbe) // from here on it is as before
	st.ack(4, "1/1 xx")
	st.done()
}

// TestPersistentSilence: after three probe timeouts the controller is told, once,
// when the path is heard of again (RFC 9002, section 7.6).
func TestPersistentSilence(t *testing.T) {
	for probes := range 5 {
		t.Run(fmt.Sprintf("probes=%d", probes), func(t *testing.T) {
			st := newStory(t, Config{Burst: 8})
			st.send(8)
			st.sends("1/1 xxxxxxxx")
			for range probes {
				st.at(st.s.NextTimeout().Sub(st.start))
				if _, ok := st.s.Poll(st.now); !ok {
					t.Fatal("no probe")
				}
			}
			st.at(st.elapsed() + 50*ms)
			want := 0
			if probes >= silentProbes {
				want = 1
			}
			st.ack(proto.PacketNumber(7), "1/1 .......x")
			st.ack(proto.PacketNumber(7), "1/1 xxxxxxxx")
			if st.cc.silence != want {
				t.Errorf("told %d times, want %d", st.cc.silence, want)
			}
			st.done()
		})
	}
}

// TestStallIsNoLoss: the path holds everything for a second and then delivers it.
// Two probes were not needed; nothing else is repeated, and the round trips are
// those of what the acknowledgements name.
func TestStallIsNoLoss(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(6)
	st.sends("1/1 xx", "2/1 xx", "3/1 xx")
	st.at(storyProbe)
	st.sends("1/1 x. again")
	st.at(3 * storyProbe)
	st.sends("1/1 .x again")
	st.at(1100 * ms)
	st.ack(1, "1/1 xx")
	st.at(1150 * ms)
	st.ack(3, "2/1 xx", "1/1 xx")
	st.at(1200 * ms)
	st.ack(5, "3/1 xx", "2/1 xx", "1/1 xx")
	st.done()
	if s := st.s.Stats(); s.Repeated != 2 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	for i, a := range st.cc.acks {
		if want := time.Duration(1100+50*i) * ms; a.RTT != want {
			t.Errorf("sample %d: %v, want %v", i, a.RTT, want)
		}
	}
}

// TestSorcerersApprentice: no duplicate of an acknowledgement causes a repeat
// (RFC 1123, section 4.2.3.1).
func TestSorcerersApprentice(t *testing.T) {
	st := newStory(t, Config{Burst: 4})
	st.send(12)
	st.sends("1/1 xxxx", "2/1 xxxx", "3/1 xxxx")
	st.at(100 * ms)
	for range 100 {
		st.ack(7, "1/1 .xxx", "2/1 xxxx")
		st.timer(storyLost)
	}
	st.at(storyLost)
	st.sends("1/1 x... again")
	for range 100 {
		st.ack(7, "1/1 .xxx", "2/1 xxxx")
	}
	st.at(140 * ms)
	st.ack(11, "3/1 xxxx", "1/1 .xxx", "2/1 xxxx")
	st.at(225 * ms)
	for range 100 {
		st.ack(12, "1/1 xxxx")
		st.ack(3, "1/1 .xxx") // late
	}
	st.done()
	if s := st.s.Stats(); s.Repeated != 1 {
		t.Errorf("%d segments repeated", s.Repeated)
	}
}

// TestLostAcksCostNothing: of ten acknowledgements only the last arrives, and
// says all that the others said.
func TestLostAcksCostNothing(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(20)
	var sent, heard []string
	for ch := 1; ch <= 10; ch++ {
		sent = append(sent, fmt.Sprintf("%d/1 xx", ch))
	}
	st.sends(sent...)
	for ch := 10; ch >= 1; ch-- {
		heard = append(heard, fmt.Sprintf("%d/1 xx", ch))
	}
	st.at(100 * ms)
	st.ack(19, heard...)
	st.done()
	if s := st.s.Stats(); s.Repeated != 0 || s.Segments != 20 {
		t.Errorf("%+v", s)
	}
}

// TestSpuriousRepeats: a repeat that was not needed shows in the receiver's
// count. The reordering window widens by a quarter of a round trip, once in a
// round trip, and narrows after sixteen quiet ones (RFC 8985, section 6.2).
func TestSpuriousRepeats(t *testing.T) {
	st := newStory(t, Config{Burst: 1})
	round := func(want time.Duration) {
		t.Helper()
		st.send(1)
		if _, ok := st.s.Poll(st.now); !ok {
			t.Fatal("nothing sent")
		}
		st.at(st.elapsed() + storyRTT)
		st.ack(st.s.next-1, fmt.Sprintf("1/%d x", st.s.channels[1].burst))
		if got := st.s.reorderWindow(); got != want {
			t.Fatalf("after %v: reordering window %v, want %v", st.elapsed(), got, want)
		}
	}
	round(25 * ms)
	st.repeats += 3
	round(50 * ms)
	round(50 * ms)
	st.repeats++
	round(75 * ms)
	st.repeats -= 4 // an acknowledgement of before
	for range reorderRounds - 1 {
		round(75 * ms)
	}
	st.repeats += 4
	for range reorderRounds {
		round(50 * ms)
	}
	round(25 * ms)
	for range 3 * reorderRounds {
		round(25 * ms)
	}
	st.at(st.elapsed() + storyRTT)
	for range 5 { // in one round trip
		st.repeats++
		st.ack(st.s.next - 1)
	}
	if got := st.s.reorderWindow(); got != 50*ms {
		t.Errorf("reordering window %v after five in a round trip, want 50 ms", got)
	}
	for range 10 {
		st.repeats++
		st.at(st.elapsed() + storyRTT)
		st.ack(st.s.next - 1)
	}
	if got := st.s.reorderWindow(); got != storyRTT {
		t.Errorf("reordering window %v, want no more than the round trip", got)
	}
	if got := st.s.Stats().Spurious; got != 19 {
		t.Errorf("%d spurious repeats counted, want 19", got)
	}
}

// TestRoundTripOfARepeat: an acknowledgement names the transmission that
// arrived, so that a repeat's gives its own round trip (Karn's problem does not
// arise), and one that comes late or names no segment gives none.
func TestRoundTripOfARepeat(t *testing.T) {
	st := newStory(t, Config{Burst: 1})
	st.send(1)
	st.sends("1/1 x")
	st.at(storyProbe)
	st.sends("1/1 x again")
	st.at(storyProbe + 90*ms)
	st.ack(1, "1/1 x") // the repeat's, not the first's: that would be 395 ms
	st.done()
	if a := st.cc.acks; len(a) != 1 || a[0].RTT != 90*ms {
		t.Fatalf("samples %+v", a)
	}

	st.send(1)
	st.sends("1/2 x")
	sent := st.elapsed()
	st.at(st.s.NextTimeout().Sub(st.start))
	st.sends("1/2 x again")
	st.at(st.elapsed() + 20*ms)
	st.ack(2, "1/2 x") // the first after all, late: its true round trip, not 20 ms
	st.done()
	if a := st.cc.acks; len(a) != 2 || a[1].RTT != st.elapsed()-sent {
		t.Fatalf("samples %+v", a)
	}
	st.repeats++
	before := st.s.rtt
	st.at(st.elapsed() + 400*ms)
	st.ack(3, "1/2 x") // and the repeat
	if st.s.rtt != before {
		t.Error("a transmission no longer waited for gave a sample")
	}
}

// TestOriginalBehindItsRepeat: a burst is held up so long that it is sent again. The
// acknowledgement that the first transmission has brought says nothing of the
// repeat, which has hardly left: no round trip, and no rate.
func TestOriginalBehindItsRepeat(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(4)
	st.sends("1/1 xx", "2/1 xx")
	st.at(100 * ms)
	st.ack(3, "2/1 xx")
	st.at(storyLost)
	st.sends("1/1 xx again")
	st.now = st.now.Add(ms)
	st.ack(3, "1/1 xx", "2/1 xx")
	if a := st.cc.acks[1]; a.Bytes != 2*simSegment || a.RTT != 0 || !a.SentAt.IsZero() {
		t.Errorf("%+v", a)
	}
	st.done()
}
