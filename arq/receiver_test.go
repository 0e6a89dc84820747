package arq

import (
	"errors"
	"slices"
	"testing"
	"time"

	"chunkcp/proto"

	"pgregory.net/rapid"
)

// inbox drives a Receiver by hand.
type inbox struct {
	t   failer
	r   *Receiver
	now time.Time
	pn  proto.PacketNumber
}

// failer is what a testing.T and a rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newInbox(t failer, rtt time.Duration) *inbox {
	return &inbox{t: t, r: NewReceiver(rtt), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// get hands in the next datagram, with a segment, and claims whether it is fresh.
func (in *inbox) get(ch proto.Channel, burst proto.Burst, index, count uint8, fresh bool) {
	in.t.Helper()
	in.pn++
	in.getAs(in.pn, ch, burst, index, count, fresh)
}

// getAs is get for a segment in a datagram of before, or one to come.
func (in *inbox) getAs(pn proto.PacketNumber, ch proto.Channel, burst proto.Burst, index, count uint8, fresh bool) {
	in.t.Helper()
	seg := proto.Segment{Channel: ch, Burst: burst, Index: index, Count: count}
	got, err := in.r.HandleSegment(in.now, pn, &seg)
	if err != nil {
		in.t.Fatalf("segment %d/%d %d of %d: %v", ch, burst, index, count, err)
	}
	if got != fresh {
		in.t.Fatalf("segment %d/%d %d of %d: fresh %v, want %v", ch, burst, index, count, got, fresh)
	}
}

// due claims that an acknowledgement is due now.
func (in *inbox) due() {
	in.t.Helper()
	if !in.r.AckDue(in.now) {
		in.t.Fatalf("no acknowledgement is due; next timeout %v", in.r.NextTimeout())
	}
}

// dueIn claims that none is due before then.
func (in *inbox) dueIn(d time.Duration) {
	in.t.Helper()
	at := in.now.Add(d)
	if in.r.NextTimeout() != at || in.r.AckDue(at.Add(-1)) || !in.r.AckDue(at) {
		in.t.Fatalf("next timeout %v, want %v from now", in.r.NextTimeout().Sub(in.now), d)
	}
}

func (in *inbox) notDue() {
	in.t.Helper()
	if !in.r.NextTimeout().IsZero() || in.r.AckDue(in.now.Add(time.Hour)) {
		in.t.Fatalf("an acknowledgement is due at %v, want none", in.r.NextTimeout())
	}
}

// says claims what an acknowledgement of now contains, in this order.
func (in *inbox) says(want ...proto.Entry) {
	in.t.Helper()
	a := in.r.Ack(in.now, 1)
	ok := len(a.Entries) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = a.Entries[i] == want[i]
	}
	if !ok {
		in.t.Fatalf("acknowledged %+v\nwant         %+v", a.Entries, want)
	}
	in.notDue()
}

func whole(ch proto.Channel, burst proto.Burst) proto.Entry {
	return proto.Entry{Channel: ch, Burst: burst, Complete: true}
}

func part(ch proto.Channel, burst proto.Burst, bitmap uint64) proto.Entry {
	return proto.Entry{Channel: ch, Burst: burst, Bitmap: bitmap}
}

// TestAckSaysTheLatestFirst: the latest change leads; a burst that is whole
// needs no bitmap.
func TestAckSaysTheLatestFirst(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.notDue()
	in.get(1, 1, 0, 2, true)
	in.get(2, 1, 1, 3, true)
	in.get(3, 1, 0, 1, true)
	in.get(1, 1, 1, 2, true)
	in.now = in.now.Add(3 * ms)
	in.due()
	a := in.r.Ack(in.now, 12345)
	if a.Latest != 4 || a.Delay != 3*ms || a.Credit != 12345 || a.Repeats != 0 {
		t.Errorf("%+v", a)
	}
	in.says(whole(1, 1), whole(3, 1), part(2, 1, 0b010))
	in.get(2, 1, 2, 3, true)
	in.says(part(2, 1, 0b110), whole(1, 1), whole(3, 1))
}

// TestAckDelay: a whole burst is acknowledged at once. The rest of another is
// waited for: a quarter of the round trip, at most MaxAckDelay, from the first
// segment that nothing has been said of.
func TestAckDelay(t *testing.T) {
	for _, tc := range []struct{ rtt, delay time.Duration }{
		{0, 250 * time.Microsecond}, {2 * ms, 500 * time.Microsecond}, {12 * ms, 3 * ms}, {time.Second, MaxAckDelay},
	} {
		in := newInbox(t, tc.rtt)
		in.get(1, 1, 0, 3, true)
		in.dueIn(tc.delay)
		in.now = in.now.Add(tc.delay / 2)
		in.get(1, 1, 1, 3, true)
		in.dueIn(tc.delay - tc.delay/2)
		in.get(1, 1, 2, 3, true)
		in.due()
		in.says(whole(1, 1))
	}
}

// TestEveryAckRepeatsTwoRoundTrips: a change is in every acknowledgement of
// the next two round trips, and in none after.
func TestEveryAckRepeatsTwoRoundTrips(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.get(1, 1, 0, 1, true)
	in.says(whole(1, 1))
	in.now = in.now.Add(150 * ms)
	in.get(2, 1, 0, 1, true)
	in.says(whole(2, 1), whole(1, 1))
	in.now = in.now.Add(50 * ms)
	in.get(3, 1, 0, 1, true)
	in.says(whole(3, 1), whole(2, 1), whole(1, 1))
	in.now = in.now.Add(1)
	in.says(whole(3, 1), whole(2, 1))
	in.now = in.now.Add(time.Hour)
	in.says()
	in.get(2, 1, 0, 1, false) // the sender has not heard: it is told again
	in.due()
	in.says(whole(2, 1))
}

// TestAckOutlivesABurstOfLosses: a change is known though all acknowledgements of it but
// the last are lost, at an acknowledgement each millisecond; and though it is told in few
// of them.
func TestAckOutlivesABurstOfLosses(t *testing.T) {
	for before := range 8 { // acknowledgements before the change
		in := newInbox(t, 100*ms)
		var told []int
		for i := range 100 {
			ch := proto.Channel(i + 1)
			in.get(ch, 1, 0, 1, true)
			a := in.r.Ack(in.now, 0)
			in.now = in.now.Add(ms)
			if slices.Contains(a.Entries, whole(proto.Channel(before+1), 1)) {
				told = append(told, i-before+1)
			}
		}
		want := []int{1, 2, 3, 4, 5}
		for i := 6; i <= 32; i++ {
			if (before+i)%8 == 0 {
				want = append(want, i)
			}
		}
		if last := want[len(want)-1]; !slices.Equal(told, want) || last < 25 {
			t.Errorf("the change was told in the acknowledgements %v after it, want %v", told, want)
		}
	}
}

// TestOldChangeIsToldOnce: what has never been in an acknowledgement goes into
// the next, however old it is.
func TestOldChangeIsToldOnce(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.get(1, 1, 0, 2, true)
	in.now = in.now.Add(time.Hour)
	in.says(part(1, 1, 1))
	in.says()
}

// TestRepeatsAreCounted: a segment that comes in a second datagram, and one of
// a burst that its channel has left behind, are acknowledged at once, since the
// sender has missed something.
func TestRepeatsAreCounted(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.get(1, 7, 0, 3, true)
	in.says(part(1, 7, 0b001))
	in.get(1, 7, 0, 3, false)
	in.due()
	in.says(part(1, 7, 0b001))
	in.get(1, 7, 1, 3, true)
	in.get(1, 7, 2, 3, true)
	in.says(whole(1, 7))
	in.pn++ // of a repeat, which is overtaken
	late := in.pn
	in.get(1, 8, 0, 2, true)
	in.says(part(1, 8, 0b01))
	in.getAs(late, 1, 7, 2, 3, false) // stale
	in.due()
	in.says(part(1, 8, 0b01))
	in.get(1, 8, 1, 2, true)
	if a := in.r.Ack(in.now, 0); a.Repeats != 2 {
		t.Errorf("the acknowledgement counts %d repeats, want 2", a.Repeats)
	}
	if segments, repeats := in.r.Received(); segments != 7 || repeats != 2 {
		t.Errorf("%d segments, %d repeats", segments, repeats)
	}
}

// TestBurstNumbersWrap: 4,095 is followed by 0.
func TestBurstNumbersWrap(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.getAs(1, 1, 4094, 0, 1, true)
	in.getAs(2, 1, 4095, 0, 1, true)
	in.getAs(4, 1, 0, 0, 2, true)
	in.getAs(3, 1, 4095, 0, 1, false)
	in.getAs(5, 1, 0, 1, 2, true)
	in.getAs(7, 1, 1, 0, 1, true)
	in.getAs(6, 1, 0, 1, 2, false)
	in.says(whole(1, 1))
}

// TestContradiction: a burst has one count.
func TestContradiction(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.get(1, 1, 0, 3, true)
	seg := proto.Segment{Channel: 1, Burst: 1, Index: 1, Count: 4}
	if _, err := in.r.HandleSegment(in.now, 9, &seg); !errors.Is(err, ErrViolation) {
		t.Errorf("error %v, want %v", err, ErrViolation)
	}
}

// TestAckFull: 64 channels of which nothing has been said are as many as may wait.
func TestAckFull(t *testing.T) {
	in := newInbox(t, 100*ms)
	for round := range proto.Burst(3) {
		for ch := range proto.Channel(maxUntold) {
			if in.r.AckFull() {
				t.Fatalf("full with %d", ch)
			}
			in.get(ch, round, 0, 2, true)
			in.get(ch, round, 1, 2, true) // the same change, as far as an entry goes
		}
		if !in.r.AckFull() {
			t.Fatal("not full")
		}
		if n := len(in.r.Ack(in.now, 0).Entries); n != maxUntold {
			t.Fatalf("%d entries", n)
		}
	}
}

// TestAnnounce: new credit is worth an acknowledgement, once there is
// something to acknowledge.
func TestAnnounce(t *testing.T) {
	in := newInbox(t, 100*ms)
	in.r.Announce(in.now)
	in.notDue()
	in.get(1, 1, 0, 1, true)
	in.says(whole(1, 1))
	in.r.Announce(in.now)
	in.due()
	in.says(whole(1, 1))
}

// TestNothingIsLeftUntold: whatever comes in whatever batches, a driver that
// keeps the contract (an acknowledgement when AckFull, and when due) tells every
// change, and nothing that is not so.
func TestNothingIsLeftUntold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := newInbox(t, time.Duration(rapid.IntRange(0, 50).Draw(t, "rtt"))*ms)
		type state struct {
			burst proto.Burst
			count uint8
			have  uint64
			told  bool
		}
		channels := make([]state, rapid.SampledFrom([]int{1, 3, 64, 65, 300}).Draw(t, "channels"))
		ack := func() {
			a := in.r.Ack(in.now, 0)
			if n := len(a.Append(nil)); n > proto.AckHeaderLen+ackBytes {
				t.Fatalf("%d entries in %d bytes", len(a.Entries), n)
			}
			if a.Latest != in.pn {
				t.Fatalf("latest %d, want %d", a.Latest, in.pn)
			}
			seen := map[proto.Channel]bool{}
			for _, e := range a.Entries {
				c := &channels[e.Channel]
				complete := c.have == allOf(int(c.count))
				if seen[e.Channel] || e.Burst != c.burst || e.Complete != complete || !complete && e.Bitmap != c.have {
					t.Fatalf("entry %+v, channel %+v", e, *c)
				}
				seen[e.Channel], c.told = true, true
			}
		}
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			in.now = in.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "gap")) * ms)
			for range rapid.IntRange(0, 150).Draw(t, "batch") {
				ch := rapid.IntRange(0, len(channels)-1).Draw(t, "channel")
				c := &channels[ch]
				if c.have == allOf(int(c.count)) || c.count == 0 {
					*c = state{burst: c.burst + 1, count: uint8(rapid.IntRange(1, 3).Draw(t, "count")), told: c.told}
				}
				index := uint8(rapid.IntRange(0, int(c.count)-1).Draw(t, "index"))
				in.get(proto.Channel(ch), c.burst, index, c.count, c.have>>index&1 == 0)
				c.have |= 1 << index
				c.told = false
				if in.r.AckFull() {
					ack()
				}
			}
			if in.r.AckDue(in.now) {
				ack()
			}
		}
		if at := in.r.NextTimeout(); !at.IsZero() {
			in.now = at
			in.due()
			ack()
		}
		for ch, c := range channels {
			if c.count > 0 && !c.told {
				t.Fatalf("channel %d was never told of: %+v", ch, c)
			}
		}
	})
}

// TestADatagramThatWasKeptBack for as many bursts as there are numbers, or half of them,
// tells nothing of the burst that its channel has now.
func TestADatagramThatWasKeptBack(t *testing.T) {
	for _, bursts := range []int{2049, 3000, 4096} {
		r := NewReceiver(50 * time.Millisecond)
		now := time.Unix(1e9, 0)
		seg := proto.Segment{Channel: 1, Count: 2, Request: 1, Payload: make([]byte, 10)}
		kept := seg // burst 0
		kept.Index = 1
		for i := range bursts {
			seg.Burst = proto.Burst(i % 4096)
			for seg.Index = range 2 {
				if i == 0 && seg.Index == 1 {
					continue // kept back, and sent again
				}
				if fresh, err := r.HandleSegment(now, proto.PacketNumber(10+2*i+int(seg.Index)), &seg); !fresh || err != nil {
					t.Fatalf("burst %d: %v, %v", i, fresh, err)
				}
			}
			if i == 0 {
				seg.Index = 1
				if fresh, err := r.HandleSegment(now, 11, &seg); !fresh || err != nil {
					t.Fatal("the repeat:", fresh, err)
				}
			}
		}
		seg.Burst = proto.Burst(bursts % 4096)
		seg.Index = 0
		pn := proto.PacketNumber(20_000)
		if fresh, err := r.HandleSegment(now, pn, &seg); !fresh || err != nil {
			t.Fatal("the burst of now:", fresh, err)
		}
		if fresh, err := r.HandleSegment(now, 9, &kept); fresh || err != nil {
			t.Errorf("after %d bursts: what was kept back is fresh: %v, %v", bursts, fresh, err)
		}
		if e := r.Ack(now, 0).Entries[0]; e.Burst != seg.Burst || e.Bitmap != 1 || e.Complete {
			t.Errorf("after %d bursts the channel's state is %+v", bursts, e)
		}
		seg.Index = 1
		if fresh, err := r.HandleSegment(now, pn+1, &seg); !fresh || err != nil {
			t.Errorf("after %d bursts the rest of the burst: %v, %v", bursts, fresh, err)
		}
	}
}
