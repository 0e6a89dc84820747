package arq

import (
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestPacerForgetsUnpacedTime: what was sent while there was no pacing is no
// debt. A controller that stops pacing below 2 ms, sends 1 GB, loses and then
// paces at 10 MB/s must go on at once, not after minutes.
func TestPacerForgetsUnpacedTime(t *testing.T) {
	cc := &Fixed{WindowBytes: 64 * simSegment, RateBytesPerSec: 1e7}
	st := newStory(t, Config{Burst: 64, Controller: cc})
	round := func() {
		st.s.Send(1, rangeset.Range{Start: st.end, End: st.end + 64*simSegment})
		st.end += 64 * simSegment
		tr, ok := st.s.Poll(st.now)
		if !ok {
			t.Fatalf("nothing sent at %v; next timeout in %v", st.elapsed(), st.s.NextTimeout().Sub(st.now))
		}
		st.now = st.now.Add(100 * time.Microsecond)
		a := proto.Ack{Latest: st.s.next - 1, Credit: 1 << 30, Entries: []proto.Entry{{Channel: tr.Channel, Burst: tr.Burst, Complete: true}}}
		if err := st.s.HandleAck(st.now, &a); err != nil {
			t.Fatal(err)
		}
	}
	round()
	cc.RateBytesPerSec = 0
	for range 10000 { // one second at 640 MB/s
		round()
	}
	cc.RateBytesPerSec = 1e7
	st.s.Send(1, rangeset.Range{Start: st.end, End: st.end + 64*simSegment})
	if _, ok := st.s.Poll(st.now); !ok {
		t.Fatalf("pacing begins with a wait of %v", st.s.NextTimeout().Sub(st.now))
	}
}

// TestReorderedWithinABurst: the last two segments of the second burst swap
// places, so that Latest names the last but one. All of the burst has
// arrived: the first, which was sent before it, is lost after the reordering
// window, as it would be in order; no probe timeout is needed.
func TestReorderedWithinABurst(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.send(4)
	st.sends("1/1 xx", "2/1 xx")
	st.at(100 * ms)
	st.ack(2, "2/1 xx") // 3 came before 2
	st.timer(storyLost)
}

// TestLogIsBounded: a peer that always says that the first packet is its latest could
// keep the log from ever being trimmed. What it acknowledges of later ones is not
// believed, so that the sender comes to its end of channels.
func TestLogIsBounded(t *testing.T) {
	st := newStory(t, Config{Burst: 1, Channels: 10})
	st.s.Send(1, rangeset.Range{End: 1 << 40})
	st.sends("1/1 x")
	sent := 1
	for tr, ok := st.s.Poll(st.now); ok; tr, ok = st.s.Poll(st.now) {
		if sent++; sent > 10 {
			t.Fatalf("%d bursts are sent over ten channels", sent)
		}
		st.now = st.now.Add(ms)
		st.s.HandleTimeout(st.now)
		a := proto.Ack{Credit: 1 << 30, Entries: []proto.Entry{{Channel: tr.Channel, Burst: tr.Burst, Complete: true}}}
		if err := st.s.HandleAck(st.now, &a); err != nil {
			t.Fatal(err)
		}
	}
	if l := st.s.log.tail - st.s.log.head; l != 10 {
		t.Errorf("%d transmissions are kept", l)
	}
	st.s.Abort(1)
}

// TestCubicTimeWithoutWork: RFC 9438 section 5.8: time in which the window was
// not used must not count as time since the reduction.
func TestCubicTimeWithoutWork(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := NewCubic(1000)
	c.window = 100 * 1000
	c.OnLoss(now, LossSample{Bytes: 1000, SentAt: now})
	ack := func(limited bool) {
		c.OnAck(now, AckSample{Bytes: 1000, SentAt: now, SmoothedRTT: 50 * ms, MinRTT: 50 * ms, WindowLimited: limited})
	}
	now = now.Add(ms)
	ack(true)
	for range 60 { // a minute of little work
		now = now.Add(time.Second)
		ack(false)
	}
	before := c.window
	for range int(before / 1000) { // one round trip of full windows
		ack(true)
	}
	// At the beginning of the epoch the cubic gains about 3*C*K*K*RTT =
	// 3*0.4*4.2^2*0.05 = 1 segment in a round trip, not half the window.
	if grown := (c.window - before) / 1000; grown > 5 {
		t.Errorf("the window grows by %.1f segments of %.0f in one round trip after a minute of little work", grown, before/1000)
	}
}

// TestRenoRegionEndsAtThePriorWindow: RFC 9438 section 4.3: alpha becomes 1
// when W_est reaches the window before the last reduction (cwnd_prior), not
// the W_max that fast convergence made smaller.
func TestRenoRegionEndsAtThePriorWindow(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := NewCubic(1000)
	c.window = 100 * 1000
	c.OnLoss(now, LossSample{SentAt: now}) // to 70
	now = now.Add(10 * ms)
	c.OnLoss(now, LossSample{SentAt: now}) // from 70 to 49, W_max 59.5
	rtt := ms
	now = now.Add(rtt)
	a := AckSample{Bytes: 1000, SentAt: now, SmoothedRTT: rtt, MinRTT: rtt, WindowLimited: true}
	c.OnAck(now, a)
	for c.wEst < 60 {
		c.OnAck(now, a)
	}
	before, w := c.wEst, c.window/1000
	c.OnAck(now, a)
	alpha := (c.wEst - before) * w
	if alpha > 0.6 {
		t.Errorf("alpha is %.2f at W_est 60, below the 70 of before the reduction", alpha)
	}
}

// TestLostAckOfManyCostsNothing: 200 channels change in one read; of the
// four acknowledgements the first is lost. The ones that follow within two
// round trips repeat what it said.
func TestLostAckOfManyCostsNothing(t *testing.T) {
	r := NewReceiver(storyRTT)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	told := map[proto.Channel]int{}
	acks := 0
	ack := func() {
		for _, e := range r.Ack(now, 0).Entries {
			if acks > 0 {
				told[e.Channel]++
			}
		}
		acks++
	}
	for ch := range 200 {
		seg := proto.Segment{Channel: proto.Channel(ch), Burst: 1, Count: 1}
		if _, err := r.HandleSegment(now, proto.PacketNumber(ch), &seg); err != nil {
			t.Fatal(err)
		}
		if r.AckFull() {
			ack()
		}
	}
	ack()
	for range 10 { // what comes in the next round trip
		now = now.Add(10 * ms)
		seg := proto.Segment{Channel: 300, Burst: proto.Burst(acks), Count: 1}
		if _, err := r.HandleSegment(now, proto.PacketNumber(300+acks), &seg); err != nil {
			t.Fatal(err)
		}
		ack()
	}
	if len(told) != 201 {
		t.Errorf("%d of 201 channels told of in all acknowledgements but the first", len(told))
	}
}

// TestRecalledBurstIsNoSpuriousRepeat: segments of a burst that was aborted and
// come after those of the next are not repeats.
func TestRecalledBurstIsNoSpuriousRepeat(t *testing.T) {
	r := NewReceiver(storyRTT)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, s := range []proto.Segment{
		{Channel: 1, Burst: 1, Index: 0, Count: 2},
		{Channel: 1, Burst: 2, Index: 0, Count: 2}, // 1 was aborted
		{Channel: 1, Burst: 1, Index: 1, Count: 2}, // and its rest comes late
	} {
		if _, err := r.HandleSegment(now, proto.PacketNumber(i), &s); err != nil {
			t.Fatal(err)
		}
	}
	if _, n := r.Received(); n != 0 {
		t.Errorf("%d repeats counted, though every datagram carried another segment", n)
	}
}

// TestSmallerDatagramsAreProbedAgain: the interface's MTU falls to 1,500. The
// sizes below are still to be had.
func TestSmallerDatagramsAreProbedAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := NewPathMTU(now, 1252, 65507, time.Second)
	for round := 0; round < 5; round++ {
		for size, ok := m.Poll(now); ok; size, ok = m.Poll(now) {
			if size <= 8972 {
				m.Confirm(size)
			}
		}
		now = now.Add(time.Second)
	}
	if m.Size() != 8972 || !m.TooLong(now, 8972) {
		t.Fatalf("size %d", m.Size())
	}
	var asked []int
	for range 5 {
		for size, ok := m.Poll(now); ok; size, ok = m.Poll(now) {
			asked = append(asked, size)
		}
		now = now.Add(time.Second)
	}
	if len(asked) == 0 {
		t.Errorf("size %d for ever: 1452 and 1472 are not probed again", m.Size())
	}
}
