package proto

import (
	"encoding/binary"
	"slices"
	"time"
)

// AckHeaderLen is the length in bytes of an ack with no entries.
const AckHeaderLen = 22

const (
	entryLen       = 4
	entryBitmapLen = 8
	entryComplete  = 1 << 15
	maxAckDelay    = 1<<32 - 1 // microseconds
)

// MaxEntries is the number of entries that fit into one ack's count.
const MaxEntries = 255

// Ack tells a sender what has arrived.
type Ack struct {
	Latest  PacketNumber  // of the segment that arrived last
	Delay   time.Duration // from its arrival to the sending of this ack; whole microseconds
	Repeats uint32        // segments so far that had arrived already in another datagram
	Credit  uint32        // bytes that the receiver takes in flight
	Entries []Entry       // at most MaxEntries, the latest change first
}

// Entry is the state of one channel.
type Entry struct {
	Channel  Channel
	Burst    Burst
	Complete bool   // all segments of the burst have arrived
	Bitmap   uint64 // bit i: segment i has arrived; 0 if Complete
}

// Len returns the entry's length on the wire in bytes.
func (e *Entry) Len() int {
	if e.Complete {
		return entryLen
	}
	return entryLen + entryBitmapLen
}

// Append appends the frame to dst. A Delay out of range is cut to it.
func (a *Ack) Append(dst []byte) []byte {
	us := min(max(0, a.Delay.Microseconds()), maxAckDelay)
	dst = append(dst, byte(FrameAck), byte(len(a.Entries)))
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.Latest))
	dst = binary.BigEndian.AppendUint32(dst, uint32(us))
	dst = binary.BigEndian.AppendUint32(dst, a.Repeats)
	dst = binary.BigEndian.AppendUint32(dst, a.Credit)
	for i := range a.Entries {
		e := &a.Entries[i]
		c := uint16(e.Channel)
		if e.Complete {
			c |= entryComplete
		}
		dst = binary.BigEndian.AppendUint16(dst, c)
		dst = binary.BigEndian.AppendUint16(dst, uint16(e.Burst))
		if !e.Complete {
			dst = binary.BigEndian.AppendUint64(dst, e.Bitmap)
		}
	}
	return dst
}

// Parse parses an ack frame into a, reusing the space of a.Entries. After an
// error the contents of a are undefined.
func (a *Ack) Parse(b []byte) error {
	r := reader{b: b}
	if FrameType(r.u8()) != FrameAck {
		return ErrMalformed
	}
	n := int(r.u8())
	a.Latest = PacketNumber(r.u64())
	a.Delay = time.Duration(r.u32()) * time.Microsecond
	a.Repeats = r.u32()
	a.Credit = r.u32()
	if n*entryLen > len(r.b) {
		return ErrMalformed
	}
	a.Entries = slices.Grow(a.Entries[:0], n)
	for range n {
		c := r.u16()
		e := Entry{Channel: Channel(c &^ entryComplete), Burst: Burst(r.u16()), Complete: c&entryComplete != 0}
		if !e.Complete {
			e.Bitmap = r.u64()
		}
		if r.bad || e.Channel >= MaxChannels || e.Burst > maxBurst {
			return ErrMalformed
		}
		a.Entries = append(a.Entries, e)
	}
	return r.end()
}

// ackLen returns the length of the ack frame at the front of b, more than
// len(b) if it is cut short.
func ackLen(b []byte) int {
	if len(b) < AckHeaderLen {
		return AckHeaderLen
	}
	n := AckHeaderLen
	for range int(b[1]) {
		if n >= len(b) {
			return n + entryLen
		}
		if b[n]&(entryComplete>>8) == 0 {
			n += entryBitmapLen
		}
		n += entryLen
	}
	return n
}
