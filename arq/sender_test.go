package arq

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestViolations: an acknowledgement that names what was never sent ends the
// session.
func TestViolations(t *testing.T) {
	for name, ack := range map[string]func(st *story) error{
		"packet never sent":     func(st *story) error { return st.tryAck(6, "1/1 xxx") },
		"channel never used":    func(st *story) error { return st.tryAck(5, "3/1 xxx") },
		"the last channel":      func(st *story) error { return st.tryAck(5, "4095/1 xxx") },
		"burst not begun":       func(st *story) error { return st.tryAck(5, "1/2 xxx") },
		"newer, half way round": func(st *story) error { return st.tryAck(5, "1/2048 xxx") },
		"bit above the count":   func(st *story) error { return st.tryAck(5, "1/1 .xxx") },
		"the highest bit": func(st *story) error {
			a := proto.Ack{Latest: 5, Entries: []proto.Entry{{Channel: 1, Burst: 1, Bitmap: 1 << 63}}}
			return st.s.HandleAck(st.now, &a)
		},
		"in the last entry": func(st *story) error { return st.tryAck(5, "1/1 xxx", "2/1 xxx", "2/2 xxx") },
	} {
		t.Run(name, func(t *testing.T) {
			st := newStory(t, Config{Burst: 3})
			st.send(6)
			st.sends("1/1 xxx", "2/1 xxx")
			st.at(100 * ms)
			if err := ack(st); !errors.Is(err, ErrViolation) {
				t.Errorf("error %v, want %v", err, ErrViolation)
			}
		})
	}
}

// TestOldNews: what an earlier acknowledgement already said is no violation.
func TestOldNews(t *testing.T) {
	st := newStory(t, Config{Burst: 3})
	st.send(3)
	st.sends("1/1 xxx")
	st.at(100 * ms)
	st.ack(2, "1/1 xxx")
	st.send(3)
	st.sends("1/2 xxx")
	st.ack(2, "1/1 xxx", "1/0 x..", "1/65000 xxx")
	st.ack(2, "1/1 xxxxxxx.")
	if s := st.s.Stats(); s.InFlight != 3*simSegment {
		t.Errorf("%+v", s)
	}
	st.at(200 * ms)
	st.ack(5, "1/2 xxx")
	st.done()
}

// TestCredit: what is in flight stays within the peer's credit.
func TestCredit(t *testing.T) {
	st := newStory(t, Config{Burst: 2, Credit: 4 * simSegment})
	st.send(20)
	st.sends("1/1 xx", "2/1 xx")
	st.at(100 * ms)
	st.credit = 2 * simSegment
	st.ack(1, "1/1 xx") // two are in flight, two are allowed
	st.ack(3, "2/1 xx")
	st.sends("2/2 xx")
	st.at(200 * ms)
	st.credit = 7 * simSegment
	st.ack(5, "2/2 xx")
	st.sends("2/3 xx", "1/2 xx", "3/1 xx", "4/1 x")
	st.at(300 * ms)
	st.credit = 1 // less than a segment: one at a time
	st.ack(12, "2/3 xx", "1/2 xx", "3/1 xx", "4/1 x")
	st.sends("4/2 x")
}

// TestNoCredit: a sender without credit asks with one segment at a time,
// however long it takes and whatever is polled in between, until there is some.
func TestNoCredit(t *testing.T) {
	st := newStory(t, Config{Channels: 4, Burst: 4})
	st.send(4)
	st.sends("1/1 xxxx")
	st.at(100 * ms)
	st.credit = 0
	st.ack(3, "1/1 xxxx")
	st.send(16)
	for range 10 {
		st.quiet() // takes no channel
	}
	for i := range 5 {
		st.at(st.s.NextTimeout().Sub(st.start))
		if st.now.Before(st.start.Add(200 * ms)) {
			t.Fatalf("asks again after %v", st.elapsed())
		}
		st.sends(fmt.Sprintf("1/%d x", 2+i))
		st.at(st.elapsed() + 100*ms)
		st.ack(proto.PacketNumber(4+i), fmt.Sprintf("1/%d x", 2+i))
	}
	// The peer refuses the segment: it says that it is there, and has no room.
	st.at(st.s.NextTimeout().Sub(st.start))
	st.sends("1/7 x")
	st.at(st.elapsed() + 100*ms)
	st.ack(8)
	for range 3 {
		st.at(st.s.NextTimeout().Sub(st.start))
		st.sends("1/7 x again")
	}
	st.at(st.elapsed() + 100*ms)
	st.credit = 1 << 20
	st.ack(12, "1/7 x")
	st.sends("1/8 xxxx", "2/1 xxxx", "3/1 xx")
	st.at(st.elapsed() + 100*ms)
	st.ack(22, "1/8 xxxx", "2/1 xxxx", "3/1 xx")
	st.done()
}

// TestNoCreditToBeginWith: a session whose peer gives none in the handshake
// begins with one segment.
func TestNoCreditToBeginWith(t *testing.T) {
	s := NewSender(Config{SegmentBytes: simSegment, Controller: &Fixed{WindowBytes: 1 << 30}})
	s.Send(1, rangeset.Range{End: 100 * simSegment})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 2 * MaxDataChannels {
		if tr, ok := s.Poll(now); ok {
			t.Fatalf("%q sent without credit", describe(&tr))
		}
	}
	if at := s.NextTimeout(); at.IsZero() || at.After(now) {
		t.Fatalf("next timeout %v", at)
	}
	s.HandleTimeout(now)
	if tr, ok := s.Poll(now); !ok || describe(&tr) != "1/1 x" {
		t.Fatalf("%q sent", describe(&tr))
	}
	audit(t, s)
}

// TestControlPassesTheWindow: control messages do not wait for room, and the
// stream has one burst outstanding.
func TestControlPassesTheWindow(t *testing.T) {
	st := newStory(t, Config{Burst: 2, Credit: 4 * simSegment})
	write := func(n int) {
		t.Helper()
		st.quiet()
		if err := st.s.WriteControl(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	st.send(6)
	st.sends("1/1 xx", "2/1 xx")
	write(10)
	st.sends("0/1 x")
	write(3 * simSegment)
	st.at(100 * ms)
	st.ack(4, "0/1 x", "2/1 xx", "1/1 xx")
	st.sends("0/2 xx", "1/2 xx") // at most a burst of it, before everything else
	st.at(200 * ms)
	st.ack(8, "0/2 xx", "1/2 xx")
	st.sends("0/3 x")
	st.at(300 * ms)
	st.ack(9, "0/3 x")
	st.done()
}

// TestControlFull: what a peer leaves unacknowledged is bounded.
func TestControlFull(t *testing.T) {
	st := newStory(t, Config{})
	if err := st.s.WriteControl(make([]byte, controlBuffer)); err != nil {
		t.Fatal(err)
	}
	if err := st.s.WriteControl([]byte{0}); !errors.Is(err, ErrControlFull) {
		t.Fatalf("error %v", err)
	}
	if tr, ok := st.s.Poll(st.now); !ok || tr.Data.Len() != 64*simSegment {
		t.Fatalf("%q sent", describe(&tr))
	}
	st.at(100 * ms)
	st.ack(63, "0/1 x")
	if err := st.s.WriteControl(make([]byte, 64*simSegment)); err != nil {
		t.Fatal(err)
	}
	if err := st.s.WriteControl([]byte{0}); !errors.Is(err, ErrControlFull) {
		t.Fatalf("error %v", err)
	}
	st.last, _ = st.s.Poll(st.now)
}

// TestCancel drops only what has not been sent, and the request is finished
// when the rest has been acknowledged.
func TestCancel(t *testing.T) {
	st := newStory(t, Config{Burst: 2, Channels: 2})
	st.queue(1, 8)
	st.queue(2, 2)
	st.sends("1/1 xx", "2/1 xx")
	st.s.Cancel(1)
	if n := st.s.Unsent(); n != 2*simSegment {
		t.Errorf("%d bytes wait", n)
	}
	st.finished()
	st.at(100 * ms)
	st.ack(3, "2/1 xx")
	st.sends("2/2 xx")
	if st.last.Request != 2 {
		t.Errorf("request %d is sent", st.last.Request)
	}
	st.at(storyLost)
	st.sends("1/1 xx again") // under way: the channel must not be left waiting
	st.at(200 * ms)
	st.ack(5, "2/2 xx")
	st.finished(2)
	st.at(225 * ms)
	st.ack(7, "1/1 xx")
	st.finished(1)
	st.s.Cancel(1)
	st.s.Cancel(3)
	st.finished()
	st.done()
}

// TestDrop takes bytes out of the middle of what waits: what lies on both sides
// of them is sent.
func TestDrop(t *testing.T) {
	st := newStory(t, Config{Burst: 2, Channels: 4})
	st.queue(1, 8)
	st.s.Drop(1, rangeset.Range{Start: 2 * simSegment, End: 5 * simSegment})
	st.s.Drop(1, rangeset.Range{Start: 100 * simSegment, End: 101 * simSegment})
	st.s.Drop(2, rangeset.Range{End: 100 * simSegment})
	if n := st.s.Unsent(); n != 5*simSegment {
		t.Errorf("%d bytes wait", n)
	}
	st.sends("1/1 xx", "2/1 xx", "3/1 x")
	if r := st.last.Bytes(0); r.Start != 7*simSegment {
		t.Errorf("the last segment begins at %d", r.Start)
	}
	st.at(100 * ms)
	st.ack(4, "1/1 xx", "2/1 xx", "3/1 x")
	st.finished(1)
	st.done()
}

// finished claims which requests have been finished since the last call.
func (st *story) finished(want ...proto.ID) {
	st.t.Helper()
	for _, w := range want {
		if id, ok := st.s.Finished(); !ok || id != w {
			st.t.Fatalf("finished: %d, %v; want %d", id, ok, w)
		}
	}
	if id, ok := st.s.Finished(); ok {
		st.t.Fatalf("request %d is finished, which nobody expects", id)
	}
}

// TestAbort forgets what is outstanding too: its channels and its share of the
// window are free at once, and its acknowledgements are old news.
func TestAbort(t *testing.T) {
	st := newStory(t, Config{Burst: 2, Channels: 3})
	st.queue(1, 4)
	st.queue(2, 2)
	st.queue(1, 20)
	st.sends("1/1 xx", "2/1 xx", "3/1 xx")
	st.at(100 * ms)
	st.ack(5, "3/1 xx", "1/1 .x") // and request 2 is done
	st.sends("3/2 xx")
	st.at(storyLost) // request 1 has a repair due
	st.s.Abort(1)
	st.finished(1, 2)
	st.done()
	st.queue(4, 6)
	st.sends("3/3 xx", "2/2 xx", "1/2 xx")
	st.at(200 * ms)
	st.ack(7, "1/1 xx", "2/1 xx", "3/2 xx")
	if n := st.s.Stats().InFlight; n != 6*simSegment {
		t.Errorf("%d bytes in flight", n)
	}
	st.at(230 * ms)
	st.ack(13, "3/3 xx", "2/2 xx", "1/2 xx")
	st.finished(4)
	st.done()
}

// TestAbortLeavesOthers: another request's bursts stay out.
func TestAbortLeavesOthers(t *testing.T) {
	st := newStory(t, Config{Burst: 2})
	st.queue(1, 2)
	st.queue(2, 2)
	st.sends("1/1 xx", "2/1 xx")
	st.s.Abort(1)
	st.finished(1)
	st.at(100 * ms)
	st.ack(3, "2/1 xx")
	st.finished(2)
	st.done()
}

// TestNoSplinters: where the window has room for less than half a burst, the
// sender waits for more.
func TestNoSplinters(t *testing.T) {
	st := newStory(t, Config{Burst: 4, Credit: 5 * simSegment})
	st.credit = 6 * simSegment
	st.send(10)
	st.sends("1/1 xxxx")
	st.at(100 * ms)
	st.ack(0, "1/1 x...")
	st.sends("2/1 xxx")
	st.ack(3, "1/1 xxxx")
	st.sends("1/2 xxx")
}

// TestShrink: when the path turns out to carry less, what is outstanding is cut
// anew; what has arrived is not sent again.
func TestShrink(t *testing.T) {
	st := newStory(t, Config{Burst: 4, Channels: 2})
	st.send(8)
	st.sends("1/1 xxxx", "2/1 xxxx")
	st.at(100 * ms)
	st.ack(7, "2/1 xxxx", "1/1 x..x")
	st.s.Shrink(simSegment / 2)
	st.sends("1/2 xxxx")
	if want := (rangeset.Range{Start: simSegment, End: 3 * simSegment}); st.last.Data != want || st.last.Segment != simSegment/2 {
		t.Errorf("%v is sent in segments of %d, want %v", st.last.Data, st.last.Segment, want)
	}
	st.ack(7, "1/1 xxxx") // late: its bytes are under way again
	st.finished()
	st.at(200 * ms)
	st.ack(11, "1/2 xxxx")
	st.finished(1)
	st.done()
}

// TestTextbook: one channel of one segment is stop-and-wait: it never has two
// outstanding.
func TestTextbook(t *testing.T) {
	m := newSim(t, 11, Config{Channels: 1, Burst: 1, Controller: &Fixed{WindowBytes: 1 << 30}})
	m.delay, m.loss, m.ackLoss, m.duplicate = 10*time.Millisecond, 0.1, 0.1, 0.2
	m.onSend = func(tr Transmission) {
		if n := m.sender.Stats().InFlight; n > simSegment || tr.Count != 1 {
			t.Fatalf("%q sent, %d bytes in flight", describe(&tr), n)
		}
	}
	m.fetch(300*simSegment, 1000*time.Second)
	if m.busyMax != 1 || m.dropped == 0 || m.ackDropped == 0 {
		t.Errorf("%d channels busy at once; %d segments and %d acks dropped", m.busyMax, m.dropped, m.ackDropped)
	}
}

// TestBooksBalance runs many requests through a bad path, cancels and aborts
// some, changes the segment size, and audits the Sender at every step. Each
// request is finished once.
func TestBooksBalance(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { balance(t, seed) }) {
			return
		}
	}
}

func balance(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	m := newSim(t, seed, Config{Channels: 1 + rng.IntN(40), Burst: rng.IntN(20), Random: oftenSkipping(seed)})
	m.segmentTime = time.Duration(rng.IntN(500)) * time.Microsecond
	m.delay = time.Duration(rng.IntN(50)) * time.Millisecond
	m.loss, m.ackLoss, m.duplicate, m.reorder = rng.Float64()*0.4, rng.Float64()*0.4, rng.Float64()*0.5, rng.Float64()
	m.reorderBy = time.Duration(rng.Float64() * 2 * float64(m.delay))
	finished := map[proto.ID]int{}
	next, end := proto.ID(0), int64(0)
	for !m.sender.Idle() || next < 20 {
		if next < 20 && rng.IntN(20) == 0 || m.sender.Idle() {
			next++
			size := 1 + rng.Int64N(30*simSegment)
			m.sender.Send(next, rangeset.Range{Start: end, End: end + size})
			end += size
		}
		switch rng.IntN(200) {
		case 0:
			m.sender.Cancel(proto.ID(1 + rng.Uint32N(uint32(next))))
		case 1:
			m.sender.Abort(proto.ID(1 + rng.Uint32N(uint32(next))))
		case 2:
			m.sender.SetSegment(500 + rng.IntN(2*simSegment))
		case 3:
			m.sender.Shrink(200 + rng.IntN(simSegment))
		case 4:
			_ = m.sender.WriteControl(make([]byte, rng.IntN(3000))) // full is fine
		case 5:
			m.credit = rng.Uint32N(20 * simSegment)
		}
		if !m.sender.Idle() { // an Abort may have left nothing to do
			m.step()
		}
		audit(t, m.sender)
		for id, ok := m.sender.Finished(); ok; id, ok = m.sender.Finished() {
			finished[id]++
		}
		if m.now.Sub(m.start) > 2000*time.Second {
			t.Fatalf("not done: %+v", m.sender.Stats())
		}
	}
	for id := proto.ID(1); id <= next; id++ {
		if finished[id] != 1 {
			t.Errorf("request %d of %d finished %d times", id, next, finished[id])
		}
	}
	if m.loss > 0.05 && m.dropped == 0 {
		t.Error("nothing was dropped")
	}
}

// TestAnAckThatWasKeptBack for as many bursts as there are numbers, or half of them, says
// nothing of the burst that its channel has now, and breaks nothing.
func TestAnAckThatWasKeptBack(t *testing.T) {
	for _, bursts := range []int{2049, 4096} {
		st := newStory(t, Config{Burst: 2})
		for i := range bursts {
			st.queue(1, 2)
			if _, ok := st.s.Poll(st.now); !ok {
				t.Fatal("nothing is sent")
			}
			b := (i + 1) % 4096
			st.ack(proto.PacketNumber(2*i+1), fmt.Sprintf("1/%d xx", b))
		}
		st.send(2)
		if _, ok := st.s.Poll(st.now); !ok {
			t.Fatal("nothing is sent")
		}
		st.ack(1, "1/1 xx") // of the first burst
		if st.s.Idle() {
			t.Errorf("after %d bursts an acknowledgement of the first is taken for one of the last", bursts)
		}
		st.ack(proto.PacketNumber(2*bursts+1), fmt.Sprintf("1/%d xx", (bursts+1)%4096))
		st.done()
	}
}
