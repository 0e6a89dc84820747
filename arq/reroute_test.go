package arq

import (
	"testing"

	"chunkcp/proto"
)

// TestTakenBackIsSentAgain: and the controller hears of no loss, however much it is.
func TestTakenBackIsSentAgain(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(4)
	st.sends("1/1 xx", "2/1 xx")
	st.at(50 * ms)
	st.s.TakeBack()
	if s := st.s.Stats(); s.InFlight != 0 || s.Lost != 0 || len(st.cc.losses) != 0 {
		t.Fatalf("%+v, losses %v", s, st.cc.losses)
	}
	st.sends("1/1 xx again", "2/1 xx again")
	st.at(100 * ms)
	st.ack(1, "1/1 xx") // the first transmission arrived after all
	if a := st.cc.acks[0]; a.RTT != 0 || a.Bytes != 2*simSegment {
		t.Errorf("%+v: a round trip over the path before", a)
	}
	st.at(150 * ms)
	st.ack(7, "2/1 xx")
	st.done()
}

// TestTakenBackBeforeItWasSentAgain: the acknowledgement of what was taken back
// saves its repeat.
func TestTakenBackBeforeItWasSentAgain(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(2)
	st.sends("1/1 xx")
	st.at(100 * ms)
	st.s.TakeBack()
	if err := st.s.HandleAck(st.now, &proto.Ack{Latest: 1, Credit: 1 << 30, Entries: []proto.Entry{{Channel: 1, Burst: 1, Complete: true}}}); err != nil {
		t.Fatal(err)
	}
	if a := st.cc.acks[0]; a.Unlost != 2*simSegment || !a.SentAt.IsZero() {
		t.Errorf("%+v", a)
	}
	st.done()
}

// TestReroute: another controller and another round trip, and none of the old.
func TestReroute(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(4)
	st.sends("1/1 xx", "2/1 xx")
	st.at(50 * ms)
	before := st.cc
	st.cc = &ledger{Fixed: Fixed{WindowBytes: 2 * simSegment}}
	st.s.Reroute(st.cc, 10*ms)
	if s := st.s.Stats(); s.SmoothedRTT != 10*ms || s.MinRTT != 10*ms || s.Window != 2*simSegment || s.InFlight != 0 {
		t.Fatalf("%+v", s)
	}
	st.sends("1/1 xx again")
	st.at(60 * ms)
	st.ack(5, "1/1 xx")
	st.sends("2/1 xx again")
	st.at(70 * ms)
	st.ack(7, "2/1 xx")
	st.done()
	if len(before.acks)+len(before.losses) != 0 || len(st.cc.acks) != 2 || st.cc.acks[0].RTT != 10*ms {
		t.Errorf("the controller before heard %v, %v, the one after %v", before.acks, before.losses, st.cc.acks)
	}
}
