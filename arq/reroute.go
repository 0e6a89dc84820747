package arq

import "time"

// TakeBack takes all that is in flight for lost, and says nothing of it to the
// controller: it went to where the peer no longer is. What has arrived after all
// may still be acknowledged.
func (s *Sender) TakeBack() {
	for seq := s.log.head; seq < s.log.tail; seq++ {
		f := s.log.at(seq)
		if f.inFlight == 0 {
			continue
		}
		c := &s.channels[f.channel]
		c.lost |= f.inFlight
		s.queueRepair(f.channel)
		s.forget(c, f, f.inFlight)
	}
	s.log.trim()
	s.loss.due = time.Time{}
	s.loss.probes, s.loss.waits, s.loss.probe = 0, 0, false
}

// Reroute begins anew on a path of which only its round trip is known: what was
// learned of the one before does not hold (RFC 9000, section 9.4).
func (s *Sender) Reroute(cc Controller, rtt time.Duration) {
	s.TakeBack()
	s.cc = cc
	cc.SetSegment(s.cfg.SegmentBytes)
	s.rtt = newRTT(s.cfg.InitialRTT)
	s.rtt.update(rtt, 0)
	s.loss.steps, s.loss.quiet = 1, 0
}
