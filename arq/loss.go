package arq

import (
	"math"
	"math/bits"
	"time"

	"chunkcp/proto"
)

const (
	// silentProbes is how many probe timeouts without an answer are persistent
	// congestion: with backoff more than the three of RFC 9002 section 7.6.1.
	silentProbes = 3

	// reorderSteps bounds the reordering window to steps of a quarter of the
	// minimum round trip; reorderRounds is after how many rounds without a
	// spurious repeat it shrinks again (RFC 8985, section 6.2).
	reorderSteps  = 8
	reorderRounds = 16
)

// lossDetection is what a Sender knows about what must have arrived by now.
type lossDetection struct {
	// The last-sent segment that is known to have arrived (RACK.segment).
	delivered   proto.PacketNumber
	deliveredAt time.Time // when it was sent; zero before the first

	heardAt time.Time // when the last acknowledgement came; zero before the first

	latest proto.PacketNumber // the largest that an acknowledgement named
	acked  bool

	due    time.Time // when the reordering window of the oldest suspect closes
	sentAt time.Time // of the last transmission
	probes int       // probe timeouts since the last acknowledgement
	waits  int       // the same, since the peer said that it hears nothing if that was later
	probe  bool      // Poll sends one

	steps    int // of the reordering window
	quiet    int // rounds without a spurious repeat
	roundEnd time.Time
	repeats  uint32 // the receiver's count of spurious repeats
	spurious bool   // in this round
}

func newLossDetection() lossDetection { return lossDetection{steps: 1} }

// arrived notes that the segment pn, which was sent at a time, is known to have arrived.
func (l *lossDetection) arrived(pn proto.PacketNumber, sentAt time.Time) {
	if l.deliveredAt.IsZero() || pn > l.delivered {
		l.delivered, l.deliveredAt = pn, sentAt
	}
}

// HandleAck takes an acknowledgement that arrived at now. It fails with
// ErrViolation if that names what was never sent.
func (s *Sender) HandleAck(now time.Time, a *proto.Ack) error {
	if s.unsent(a.Latest) {
		return ErrViolation
	}
	s.loss.heardAt = now
	if a.Latest >= s.loss.latest { // not overtaken by a newer one
		s.credit = int(min(a.Credit, math.MaxInt32))
	}
	sample := AckSample{InFlight: s.inFlight, WindowLimited: !s.appLimited}
	if f := s.log.find(a.Latest); f != nil {
		if !s.loss.acked || a.Latest > s.loss.latest {
			sample.RTT = now.Sub(f.at)
			s.rtt.update(sample.RTT, min(a.Delay, s.cfg.PeerAckDelay))
		}
		s.loss.arrived(a.Latest, f.at) // also where it told the receiver nothing new
	}
	s.loss.latest = max(s.loss.latest, a.Latest)
	s.loss.acked = true
	s.noteRepeats(now, a.Repeats)

	for i := range a.Entries {
		if err := s.handleEntry(&a.Entries[i], a.Latest, &sample); err != nil {
			return err
		}
	}
	if s.loss.probes >= silentProbes && sample.Bytes > 0 {
		s.cc.OnSilence(now)
	}
	if sample.Bytes > 0 || a.Credit == 0 {
		s.loss.probes, s.loss.waits = 0, 0 // the peer is there, though it may have no room
	}
	if sample.Bytes > 0 {
		sample.SmoothedRTT, sample.MinRTT = s.rtt.smoothed, s.rtt.min
		s.cc.OnAck(now, sample)
	}
	if s.cfg.Trace != nil {
		s.trace(Event{At: now, Kind: EventAcked, Number: a.Latest, Bytes: sample.Bytes, RTT: sample.RTT})
	}
	s.detectLoss(now)
	s.log.trim()
	return nil
}

// handleEntry takes the state of one channel, as it was when latest had arrived.
func (s *Sender) handleEntry(e *proto.Entry, latest proto.PacketNumber, sample *AckSample) error {
	if int(e.Channel) >= len(s.channels) {
		return ErrViolation
	}
	c := &s.channels[e.Channel]
	switch {
	case latest < c.first: // it may be of an earlier burst with the same number
		return nil
	case e.Burst.Newer(c.burst):
		return ErrViolation
	case !c.busy || e.Burst != c.burst:
		return nil // old news
	}
	have := e.Bitmap
	if e.Complete {
		have = c.all()
	}
	if have&^c.all() != 0 || have&c.withheld != 0 {
		return ErrViolation
	}
	if fresh := have &^ c.acked; fresh != 0 {
		s.acknowledge(c, e.Channel, fresh, sample)
	}
	return nil
}

// acknowledge takes the segments fresh of a channel as arrived.
func (s *Sender) acknowledge(c *channel, ch proto.Channel, fresh uint64, sample *AckSample) {
	sample.Bytes += c.bytes(fresh)
	s.stats.Acked += uint64(c.bytes(fresh))
	c.acked |= fresh
	if c.lost&fresh != 0 { // declared lost too early
		sample.Unlost += c.bytes(c.lost & fresh)
		if c.lost &^= fresh; c.lost == 0 && c.queued {
			s.unqueueRepair(ch)
		}
	}
	for i := len(c.flights) - 1; i >= 0 && fresh != 0; i-- {
		if c.flights[i] < s.log.head {
			break
		}
		f := s.log.at(c.flights[i])
		got := f.inFlight & fresh
		if got == 0 {
			continue
		}
		fresh &^= got
		f.inFlight &^= got
		s.inFlight -= c.bytes(got)
		// Where the repeat was sent after everything that the receiver has
		// named, it was the first transmission that arrived: that says nothing
		// of what was sent between the two, and of the path only that it is there.
		sure := got &^ c.resent
		if s.loss.latest >= f.first {
			sure |= got & lowest(f.sent, int(min(s.loss.latest-f.first+1, 64)))
		}
		if sure == 0 {
			continue
		}
		if f.at.After(sample.SentAt) {
			sample.SentAt, sample.Sent = f.at, f.delivery
		}
		s.loss.arrived(f.number(1<<(63-bits.LeadingZeros64(sure))), f.at)
	}
	switch missing := c.all() &^ c.acked; {
	case missing == 0:
		s.finish(c, ch)
	case missing == c.withheld && !c.queued: // its time has come
		c.lost = missing
		s.queueRepair(ch)
	}
}

// finish lets a channel whose burst has arrived take another.
func (s *Sender) finish(c *channel, ch proto.Channel) {
	c.busy = false
	if ch == 0 {
		s.control.acknowledged(c.data)
		s.copyAt = time.Time{}
		return
	}
	s.idle = append(s.idle, ch)
	s.work.close(c.request, c.data.Len())
}

// detectLoss declares lost what was sent before the last-sent segment that
// arrived and has had its time (RFC 8985, section 6.2, step 5).
func (s *Sender) detectLoss(now time.Time) {
	s.loss.due = time.Time{}
	if s.loss.deliveredAt.IsZero() {
		return
	}
	wait := max(s.rtt.latest, s.rtt.smoothed) + s.reorderWindow()
	var lost LossSample
	for seq := s.log.head; seq < s.log.tail; seq++ {
		f := s.log.at(seq)
		if f.first >= s.loss.delivered {
			break
		}
		before := f.inFlight
		if f.end() > s.loss.delivered+1 { // only what was sent before it
			before &= lowest(f.sent, int(s.loss.delivered-f.first))
		}
		if before == 0 {
			continue
		}
		if due := f.at.Add(wait); now.Before(due) {
			s.loss.due = due
			break
		}
		c := &s.channels[f.channel]
		bytes := c.bytes(before)
		f.inFlight &^= before
		c.lost |= before
		s.queueRepair(f.channel)
		s.inFlight -= bytes
		s.stats.Lost += uint64(bits.OnesCount64(before))
		lost.Bytes += bytes
		lost.SentAt = f.at
		if s.cfg.Trace != nil {
			s.traceSegments(now, EventLost, f, before)
		}
	}
	if lost.Bytes > 0 {
		s.cc.OnLoss(now, lost)
	}
}

// reorderWindow returns how much later than expected a segment may arrive.
func (s *Sender) reorderWindow() time.Duration {
	return min(time.Duration(s.loss.steps)*s.rtt.min/4, s.rtt.smoothed)
}

// noteRepeats widens the reordering window when the receiver saw repeats that
// were not needed, once in a round trip, and narrows it again after a while.
func (s *Sender) noteRepeats(now time.Time, repeats uint32) {
	l := &s.loss
	if d := repeats - l.repeats; d > 0 && d < 1<<31 { // not from an older acknowledgement
		l.repeats = repeats
		if d = s.copies.needless(d); d > 0 {
			s.stats.Spurious += uint64(d)
			l.spurious = true
		}
	}
	if now.Before(l.roundEnd) {
		return
	}
	l.roundEnd = now.Add(s.rtt.smoothed)
	if l.spurious {
		l.spurious, l.quiet = false, 0
		l.steps = min(l.steps+1, reorderSteps)
	} else if l.quiet++; l.quiet >= reorderRounds {
		l.quiet = 0
		l.steps = max(1, l.steps-1)
	}
}

// HandleTimeout takes note that the time of NextTimeout has come.
func (s *Sender) HandleTimeout(now time.Time) {
	if !s.loss.due.IsZero() && !now.Before(s.loss.due) {
		s.detectLoss(now)
		s.log.trim()
	}
	if at := s.probeAt(); !at.IsZero() && !now.Before(at) {
		s.loss.probes++
		s.loss.waits++
		s.loss.probe = true
		s.stats.Probes++
		if s.cfg.Trace != nil {
			s.trace(Event{At: now, Kind: EventProbed})
		}
	}
}

// Nudge says that the peer is there and hears nothing: the next probe comes no
// later than the first one did.
func (s *Sender) Nudge() { s.loss.waits = 0 }

// Silent reports that several probe timeouts, and more time than a host is held
// up for, have passed since anything was acknowledged.
func (s *Sender) Silent(now time.Time) bool {
	return s.loss.probes >= blackHoleProbes && now.Sub(s.loss.heardAt) >= blackHoleTime
}

// probeAt returns when the probe timeout expires, zero if nothing is awaited.
func (s *Sender) probeAt() time.Time {
	if !s.loss.due.IsZero() { // RFC 9002, section 6.2.1
		return time.Time{}
	}
	blocked := s.inFlight == 0 && s.credit == 0 && s.pending()
	if s.inFlight == 0 && !blocked {
		return time.Time{}
	}
	wait := s.ProbeTimeout()
	wait = max(wait, min(wait<<min(s.loss.waits, 16), s.cfg.MaxProbeWait))
	return s.loss.sentAt.Add(wait)
}

// probe sends one segment: the oldest in flight again, or, where the peer has
// given no credit, the next one, to hear whether it gives some now.
func (s *Sender) probe(now time.Time) (Transmission, bool) {
	s.log.trim()
	if s.log.head < s.log.tail {
		if s.log.full(0) && !s.canRecord() {
			s.loss.sentAt = now
			return Transmission{}, false
		}
		f := s.oldest()
		bit := f.inFlight & -f.inFlight
		c := &s.channels[f.channel]
		s.forget(c, f, bit)
		return s.transmit(now, f.channel, bit, true), true
	}
	s.loss.sentAt = now
	if !s.pending() || !s.canRecord() {
		return Transmission{}, false
	}
	if len(s.repairs) > 0 {
		ch, mask, repeat := s.repair(1)
		return s.transmit(now, ch, mask, repeat), true
	}
	if s.work.empty() {
		return Transmission{}, false
	}
	ch := s.takeIdle()
	w, c := s.work.front(), &s.channels[ch]
	c.start(w.request, w.data, s.cfg.SegmentBytes, 1)
	s.work.took(c.data.Len())
	return s.transmit(now, ch, c.all(), false), true
}

// oldest returns the transmission to probe with: the oldest that has something
// in flight, but control messages first. What the peer cannot take before it
// has read one of them is never acknowledged.
func (s *Sender) oldest() *flight {
	if c := &s.channels[0]; c.busy {
		for _, seq := range c.flights {
			if seq >= s.log.head {
				if f := s.log.at(seq); f.inFlight != 0 {
					return f
				}
			}
		}
	}
	return s.log.at(s.log.head)
}

// NextTimeout returns when to call HandleTimeout and Poll next if nothing
// arrives before, zero for never. It is valid after Poll has returned false.
func (s *Sender) NextTimeout() time.Time {
	return earliest(earliest(s.pacedUntil, s.copyAt), earliest(s.loss.due, s.probeAt()))
}

// earliest returns the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
