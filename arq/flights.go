package arq

import (
	"math/bits"
	"time"

	"chunkcp/proto"
)

// flight is one transmission: segments of one burst, sent at once.
type flight struct {
	first    proto.PacketNumber
	at       time.Time
	channel  proto.Channel
	sent     uint64 // the segments, by index in the burst
	inFlight uint64 // of those: neither acknowledged, nor lost, nor sent again since

	delivery Delivery // the controller's
}

// number returns the packet number that carried the segment of a one-bit mask.
func (f *flight) number(bit uint64) proto.PacketNumber {
	return f.first + proto.PacketNumber(bits.OnesCount64(f.sent&(bit-1)))
}

func (f *flight) end() proto.PacketNumber {
	return f.first + proto.PacketNumber(bits.OnesCount64(f.sent))
}

// flights is the log of transmissions in the order of sending, from the oldest
// that still has something in flight. Entries are named by a sequence number
// that stays the same while the log moves on.
type flights struct {
	ring       []flight // its length is a power of two
	head, tail uint64   // entries head to tail-1 are in the log
}

func (l *flights) at(seq uint64) *flight { return &l.ring[seq&uint64(len(l.ring)-1)] }

func (l *flights) push(f flight) (seq uint64) {
	if l.full(0) {
		l.grow(max(leastFlights, 2*len(l.ring)))
	}
	seq = l.tail
	l.tail++
	*l.at(seq) = f
	return seq
}

// full reports whether there is room for spare transmissions only, or less.
func (l *flights) full(spare int) bool { return l.tail-l.head+uint64(spare) >= uint64(len(l.ring)) }

// grow makes room for n, a power of two.
func (l *flights) grow(n int) {
	bigger := make([]flight, n)
	for s := l.head; s < l.tail; s++ {
		bigger[s&uint64(n-1)] = *l.at(s)
	}
	l.ring = bigger
}

// trim drops what is no longer in flight from the front.
func (l *flights) trim() {
	for l.head < l.tail && l.at(l.head).inFlight == 0 {
		l.head++
	}
}

// find returns the transmission that used packet number pn, nil if it is no
// longer in the log.
func (l *flights) find(pn proto.PacketNumber) *flight {
	lo, hi := l.head, l.tail
	for lo < hi {
		mid := lo + (hi-lo)/2
		if l.at(mid).end() > pn {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	if lo == l.tail || l.at(lo).first > pn {
		return nil
	}
	return l.at(lo)
}
