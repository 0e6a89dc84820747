package arq

import "time"

// controlCopyWait is the least time between a control burst and its copy (arbitrary):
// where a round trip is shorter, no copy is sent.
const controlCopyWait = 2 * time.Millisecond

// planCopy notes when the control burst that was sent at now is sent again, if it is not
// acknowledged before: after a quarter of a round trip, by when most bursts of losses are
// over. A request is one small datagram; that it was lost would be found out in more than a
// round trip, with nothing else to send in it (as a transfer's last segments, see
// secondCopies).
func (s *Sender) planCopy(now time.Time) {
	if s.cfg.CopyControl && s.channels[0].count == 1 {
		s.copyAt = now.Add(max(s.rtt.smoothed/4, controlCopyWait))
	}
}

// controlCopy returns the copy of the control burst that is outstanding, if it is due.
// What is in flight remains the first: its acknowledgement is to tell the round trip.
func (s *Sender) controlCopy(now time.Time) (Transmission, bool) {
	if s.copyAt.IsZero() || now.Before(s.copyAt) {
		return Transmission{}, false
	}
	s.copyAt = time.Time{}
	c := &s.channels[0]
	if !c.busy || c.acked|c.resent != 0 {
		return Transmission{}, false
	}
	s.copies.awaits++
	s.stats.Segments++
	s.stats.Repeated++
	s.stats.Bytes += uint64(c.bytes(c.all()))
	return c.transmission(0, s.take(1), c.all(), true), true
}
