package arq

import (
	"time"

	"chunkcp/proto"
)

const (
	// MaxAckDelay is the longest that a receiver holds an acknowledgement back
	// while it waits for the rest of a burst (arbitrary; RFC 9000 has 25 ms, but
	// a burst takes about a millisecond to arrive).
	MaxAckDelay = 5 * time.Millisecond

	// maxUntold is how many changes may wait for an acknowledgement: with bitmaps
	// they take 768 bytes, which every path carries.
	maxUntold = 64

	// A change is told in the next toldAlways acknowledgements, and then in each
	// toldEvery'th until maxTold have been sent, if two round trips have not passed
	// before: a loss of so many in a row is no accident, but one of toldAlways may be.
	toldAlways = 5
	toldEvery  = 8
	maxTold    = 32

	// ackBytes bounds the entries of an acknowledgement. With its header and the
	// sealing it fits into the datagram that every path carries.
	ackBytes = 1024
)

// none ends the list of recently changed channels.
const none = ^proto.Channel(0)

// inbound is the receiving side of one stop-and-wait process.
type inbound struct {
	used         bool
	listed       bool // on the list of recent changes
	whole        bool // the burst before this one has arrived whole
	burst        proto.Burst
	latest       proto.PacketNumber // the highest of this burst
	since        proto.PacketNumber // what is below is of bursts before it
	count        uint8
	have         uint64
	changed      time.Time
	first        uint64        // number of the first acknowledgement that this state is in
	newer, older proto.Channel // neighbours in the list of recent changes
}

// Receiver is the receiving side of a session: what has arrived, and when to
// say so.
type Receiver struct {
	channels []inbound
	newest   proto.Channel // head of the list of recent changes
	rtt      time.Duration
	delay    time.Duration

	acks     uint64    // acknowledgements so far
	untold   int       // channels whose state has not been in an acknowledgement
	due      time.Time // of the next acknowledgement; zero if nothing is new
	latest   proto.PacketNumber
	latestAt time.Time
	repeats  uint32
	segments uint64
	ack      proto.Ack
}

// NewReceiver returns a Receiver for a path with round trip rtt.
func NewReceiver(rtt time.Duration) *Receiver {
	r := &Receiver{newest: none}
	r.SetRTT(rtt)
	return r
}

// SetRTT tells the Receiver the path's round trip: a change is repeated for two
// of them, and a burst's rest is waited for at most a quarter.
func (r *Receiver) SetRTT(rtt time.Duration) {
	r.rtt = rtt
	r.delay = min(MaxAckDelay, max(rtt/4, granularity/4))
}

// HandleSegment takes note of a segment that arrived in datagram pn, and whose
// payload, if it is fresh, is in safe hands. It reports whether it was fresh; it
// fails with ErrViolation if it contradicts an earlier one.
func (r *Receiver) HandleSegment(now time.Time, pn proto.PacketNumber, seg *proto.Segment) (fresh bool, err error) {
	for int(seg.Channel) >= len(r.channels) {
		r.channels = append(r.channels, inbound{})
	}
	c := &r.channels[seg.Channel]
	// Bursts are few bits: whether one is newer is told by the number of its datagram,
	// or who keeps one back could have it taken for another.
	stale := c.used && (pn < c.since || seg.Burst != c.burst && pn < c.latest)
	if !c.used || !stale && seg.Burst != c.burst {
		c.whole = c.used && c.have == allOf(int(c.count)) && seg.Burst == c.burst.Next()
		if c.used {
			c.since = c.latest + 1
		}
		c.used, c.burst, c.count, c.have = true, seg.Burst, seg.Count, 0
	}
	c.latest = max(c.latest, pn)
	r.segments++
	r.latest, r.latestAt = pn, now
	r.touch(seg.Channel, now)
	if stale { // its channel has moved on
		if c.whole { // else the burst was given up, and this is no repeat
			r.repeats++
		}
		r.due = now
		return false, nil
	}
	if seg.Count != c.count {
		return false, ErrViolation
	}
	bit := uint64(1) << seg.Index
	if c.have&bit != 0 {
		r.repeats++
		r.due = now
		return false, nil
	}
	c.have |= bit
	if c.have == allOf(int(c.count)) {
		r.due = now
	} else {
		r.due = earliest(r.due, now.Add(r.delay))
	}
	return true, nil
}

// Announce makes an acknowledgement due at now though nothing new has arrived:
// the credit has changed, or a segment was refused for want of room.
func (r *Receiver) Announce(now time.Time) {
	if r.segments > 0 {
		r.due = now
	}
}

// touch moves a channel to the front of the list of recent changes.
func (r *Receiver) touch(ch proto.Channel, now time.Time) {
	c := &r.channels[ch]
	c.changed = now
	if next := r.acks + 1; c.first != next {
		c.first = next
		r.untold++
	}
	if r.newest == ch {
		return
	}
	if c.listed {
		r.channels[c.newer].older = c.older
		if c.older != none {
			r.channels[c.older].newer = c.newer
		}
	}
	c.listed = true
	c.newer, c.older = none, r.newest
	if r.newest != none {
		r.channels[r.newest].newer = ch
	}
	r.newest = ch
}

// AckDue reports whether an acknowledgement is to be sent at now.
func (r *Receiver) AckDue(now time.Time) bool { return !r.due.IsZero() && !now.Before(r.due) }

// AckFull reports that one acknowledgement holds no more changes: it is to be
// sent before the next segment is handled.
func (r *Receiver) AckFull() bool { return r.untold >= maxUntold }

// NextTimeout returns when an acknowledgement is due, zero for never.
func (r *Receiver) NextTimeout() time.Time { return r.due }

// Received returns how many segments have arrived, and how many of them had
// arrived before.
func (r *Receiver) Received() (segments, repeats uint64) { return r.segments, uint64(r.repeats) }

// Ack returns the acknowledgement to send now, with the credit to give. It is
// valid until the next call. Nothing can be acknowledged before the first
// segment has arrived.
func (r *Receiver) Ack(now time.Time, credit uint32) *proto.Ack {
	r.due = time.Time{}
	r.untold = 0
	r.acks++
	tell := uint64(toldAlways)
	if r.acks%toldEvery == 0 {
		tell = maxTold
	}
	a := &r.ack
	a.Latest, a.Delay, a.Repeats, a.Credit = r.latest, now.Sub(r.latestAt), r.repeats, credit
	a.Entries = a.Entries[:0]
	room := ackBytes
	for ch := r.newest; ch != none && len(a.Entries) < proto.MaxEntries; ch = r.channels[ch].older {
		c := &r.channels[ch]
		if told := r.acks - c.first; told >= tell || told > 0 && now.Sub(c.changed) > 2*r.rtt {
			break
		}
		e := proto.Entry{Channel: ch, Burst: c.burst}
		if e.Complete = c.have == allOf(int(c.count)); !e.Complete {
			e.Bitmap = c.have
		}
		if room -= e.Len(); room < 0 {
			break
		}
		a.Entries = append(a.Entries, e)
	}
	return a
}
