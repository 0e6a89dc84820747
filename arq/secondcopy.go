package arq

import (
	"math/bits"
	"time"
)

const (
	// copiedPart is how many segments may be sent a second time before they are known
	// to be lost, as a part of all that were sent. Arbitrary: most are not needed.
	copiedPart = 0.005

	// lossyPart is the part of segments lost from which a path is worth them.
	lossyPart = 0.001
)

// secondCopies are what a sender that has nothing else to send uses a lossy path
// for: the segments that were sent last, once more. What is lost of them would be
// found out a round trip later and repeated then, and that would be the end of the
// transfer (Flach et al., "Reducing Web Latency: the Virtue of Gentle Aggression",
// SIGCOMM 2013, has all of a short transfer sent twice).
type secondCopies struct {
	sent   uint64 // segments
	awaits uint32 // of these, those that the receiver has not counted as needless yet
	active bool   // the sender has had nothing else to send since next was set
	next   uint64 // transmissions before this one in the log are next, the last first
}

// secondCopy returns the last transmission of which some should be sent again now, and
// the segments, none if there is none: where the path loses some and the sender has
// nothing else to send.
func (s *Sender) secondCopy(now time.Time) (seq, segments uint64) {
	x := &s.copies
	lossy := float64(s.stats.Lost) > lossyPart*float64(s.stats.Segments)
	if !lossy || s.cc.PacingRate() == 0 || s.log.full(spareFlights) {
		return 0, 0
	}
	if !x.active {
		x.active, x.next = true, s.log.tail
	}
	wait := s.rtt.smoothed + s.reorderWindow() // of what is older a loss is found out before a copy is there
	room := copiedPart*float64(s.stats.Segments) - float64(x.sent)
	for ; x.next > s.log.head; x.next-- {
		f := s.log.at(x.next - 1)
		once := f.inFlight &^ s.channels[f.channel].resent
		if now.Sub(f.at) >= wait || float64(bits.OnesCount64(once)) > room {
			break
		}
		if once != 0 && f.channel != 0 {
			return x.next - 1, once
		}
	}
	return 0, 0
}

// sendAgain sends what secondCopy has found.
func (s *Sender) sendAgain(now time.Time, seq, segments uint64) Transmission {
	n := bits.OnesCount64(segments)
	s.copies.next = seq
	s.copies.sent += uint64(n)
	s.copies.awaits += uint32(n)
	f := s.log.at(seq)
	ch := f.channel
	s.forget(&s.channels[ch], f, segments)
	return s.transmit(now, ch, segments, true)
}

// needless takes from the receiver's count of what came twice what are second copies.
func (x *secondCopies) needless(n uint32) uint32 {
	k := min(n, x.awaits)
	x.awaits -= k
	return n - k
}
