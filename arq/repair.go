package arq

import "chunkcp/proto"

// repair picks lost segments of the channel that has waited longest.
func (s *Sender) repair(room int) (ch proto.Channel, mask uint64, repeat bool) {
	ch = s.repairs[0]
	c := &s.channels[ch]
	if room <= 0 {
		return ch, 0, true
	}
	mask = lowest(c.lost, min(room, s.cfg.burstLimit()))
	c.lost &^= mask
	if c.lost == 0 {
		s.unqueueRepair(ch)
	}
	repeat = mask != c.withheld
	c.withheld &^= mask
	return ch, mask, repeat
}

func (s *Sender) queueRepair(ch proto.Channel) {
	if c := &s.channels[ch]; !c.queued {
		c.queued = true
		s.repairs = append(s.repairs, ch)
	}
}

func (s *Sender) unqueueRepair(ch proto.Channel) {
	s.channels[ch].queued = false
	for i, r := range s.repairs {
		if r == ch {
			s.repairs = append(s.repairs[:i], s.repairs[i+1:]...)
			return
		}
	}
}
