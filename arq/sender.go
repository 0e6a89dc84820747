package arq

import (
	"math"
	"math/bits"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// burstTime is how much sending a burst holds on a paced path: long enough to
// be worth a system call, short enough not to fill a queue.
const burstTime = time.Millisecond

// Transmission is what to send now: segments of one burst, in one call.
type Transmission struct {
	First   proto.PacketNumber // of the first segment; the others follow it
	Channel proto.Channel
	Burst   proto.Burst
	Request proto.ID
	Data    rangeset.Range // the bytes of the whole burst, in the file or the control stream
	Segment int            // bytes of each segment of the burst; the last may be shorter
	Count   int            // segments of the burst
	Mask    uint64         // bit i: segment i is to be sent
	Repeat  bool
}

// Bytes returns where segment i of the burst lies.
func (t *Transmission) Bytes(i int) rangeset.Range { return spanOf(t.Data, t.Segment, i, 1) }

// Sender is the sending side of a session: its channels, what they have in
// flight, and what may be sent when.
type Sender struct {
	cfg Config
	cc  Controller
	rtt rttEstimator

	numbers
	channels []channel       // by proto.Channel; 0 carries the control stream
	idle     []proto.Channel // used before, now idle; the last is taken first
	repairs  []proto.Channel // with lost segments, oldest first
	log      flights
	control  controlOut
	work     workQueue

	inFlight   int       // bytes
	credit     int       // bytes
	appLimited bool      // something other than the congestion window holds the sender back
	pacedUntil time.Time // Poll has something to send then; zero if not for pacing
	copyAt     time.Time // when the control burst is sent again; zero if it is not

	loss   lossDetection
	copies secondCopies
	stats  Stats
}

// NewSender returns a Sender. It panics if cfg is not valid.
func NewSender(cfg Config) *Sender {
	if err := cfg.Validate(); err != nil {
		panic("BUG: " + err.Error())
	}
	cfg = cfg.withDefaults()
	return &Sender{
		cfg:      cfg,
		cc:       cfg.Controller,
		rtt:      newRTT(cfg.InitialRTT),
		numbers:  newNumbers(cfg.Random),
		channels: make([]channel, 1),
		credit:   cfg.Credit,
		work:     workQueue{open: map[proto.ID]int64{}, records: cfg.Records},
		loss:     newLossDetection(),
		control:  controlOut{memory: cfg.Memory},
	}
}

// Send queues the bytes data of a request.
func (s *Sender) Send(request proto.ID, data rangeset.Range) {
	if !data.Empty() {
		s.work.push(work{request, data})
	}
}

// Cancel drops what of a request has not been sent yet. Bursts under way are
// finished: a channel that waits must not be left waiting.
func (s *Sender) Cancel(request proto.ID) { s.Drop(request, rangeset.Range{End: math.MaxInt64}) }

// Drop is Cancel for the bytes data of a request.
func (s *Sender) Drop(request proto.ID, data rangeset.Range) { s.work.cancel(request, data) }

// SetSegment changes how many bytes a segment has, from the next burst on.
func (s *Sender) SetSegment(bytes int) {
	s.cfg.SegmentBytes = bytes
	s.cc.SetSegment(bytes)
}

// Shrink changes how many bytes a segment has to fewer, because the path does
// not carry those of before: what is outstanding is cut anew.
func (s *Sender) Shrink(bytes int) {
	s.SetSegment(bytes)
	var back []work
	for i := range s.channels {
		c := &s.channels[i]
		if !c.busy || c.segment <= bytes {
			continue
		}
		s.recall(c, proto.Channel(i))
		if i == 0 {
			s.copyAt = time.Time{}
			s.control.sent = c.data.Start // the reader knows what came
			continue
		}
		missing := c.all() &^ c.acked
		if !s.work.canHold(len(back) + runs(missing)) { // what lies between is sent again as well
			first, end := bits.TrailingZeros64(missing), bits.Len64(missing)
			missing = allOf(end-first) << first
		}
		s.work.close(c.request, int64(c.bytes(c.all()&^missing)))
		for missing != 0 {
			first := bits.TrailingZeros64(missing)
			n := bits.TrailingZeros64(^(missing >> first))
			back = append(back, work{c.request, c.span(first, n)})
			missing &^= allOf(n) << first
		}
		s.idle = append(s.idle, proto.Channel(i))
	}
	s.work.putBack(back)
	s.log.trim()
}

// runs returns how many runs of ones there are.
func runs(bitmap uint64) int { return bits.OnesCount64(bitmap &^ (bitmap << 1)) }

// recall takes a channel's burst back, acknowledged or not.
func (s *Sender) recall(c *channel, ch proto.Channel) {
	for _, seq := range c.flights {
		if seq >= s.log.head {
			s.forget(c, s.log.at(seq), s.log.at(seq).inFlight)
		}
	}
	if c.queued {
		s.unqueueRepair(ch)
	}
	c.busy = false
}

// forget stops waiting for segments of a transmission.
func (s *Sender) forget(c *channel, f *flight, segments uint64) {
	f.inFlight &^= segments
	if n := c.bytes(segments); n > 0 {
		s.inFlight -= n
		s.cc.OnRecall(n)
	}
}

// Abort drops a request whose bytes can no longer be had: what waits, and what
// is outstanding too.
func (s *Sender) Abort(request proto.ID) {
	s.Cancel(request)
	for i := 1; i < len(s.channels); i++ {
		c := &s.channels[i]
		if !c.busy || c.request != request {
			continue
		}
		s.recall(c, proto.Channel(i))
		s.finish(c, proto.Channel(i))
	}
	s.log.trim()
}

// Unsent returns how many bytes of file data wait to be sent for the first time.
func (s *Sender) Unsent() int64 { return s.work.bytes }

// Finished returns a request of which nothing is left to send or to repeat,
// each once; false if there is none.
func (s *Sender) Finished() (proto.ID, bool) {
	n := len(s.work.finished)
	if n == 0 {
		return 0, false
	}
	id := s.work.finished[n-1]
	s.work.finished = s.work.finished[:n-1]
	return id, true
}

// Idle reports whether everything that was queued has been acknowledged.
func (s *Sender) Idle() bool {
	return s.work.empty() && s.control.waiting().Empty() && s.outstanding() == 0
}

func (s *Sender) outstanding() int {
	n := len(s.channels) - 1 - len(s.idle)
	if s.channels[0].busy {
		n++
	}
	return n
}

// NextNumber returns a packet number for a datagram that carries no segment.
func (s *Sender) NextNumber() proto.PacketNumber { return s.take(1) }

// ObserveRTT takes a round trip that was measured outside the Sender: that of
// the handshake.
func (s *Sender) ObserveRTT(rtt time.Duration) { s.rtt.update(rtt, 0) }

// ProbeTimeout returns how long a Sender waits for an acknowledgement before
// it probes, without backoff.
func (s *Sender) ProbeTimeout() time.Duration { return s.rtt.probeTimeout(s.cfg.PeerAckDelay) }

// Stats returns where the Sender stands.
func (s *Sender) Stats() Stats {
	st := s.stats
	st.SmoothedRTT, st.MinRTT = s.rtt.smoothed, s.rtt.min
	st.InFlight, st.Window = s.inFlight, s.window()
	st.RateBytesPerSec = s.cc.PacingRate()
	st.Channels = s.outstanding()
	return st
}

// Poll returns the next transmission to send at now, false if there is none.
// Call it until it returns false.
func (s *Sender) Poll(now time.Time) (Transmission, bool) {
	s.pacedUntil = time.Time{}
	if s.loss.probe {
		s.loss.probe = false
		if t, ok := s.probe(now); ok {
			return t, true
		}
	}
	if t, ok := s.controlCopy(now); ok {
		return t, true
	}
	if !s.pending() {
		if all := s.limited(s.inFlight < s.cc.Window()); !all || !s.work.empty() {
			return Transmission{}, false
		}
		seq, segments := s.secondCopy(now)
		if segments == 0 {
			return Transmission{}, false
		}
		if at := s.cc.SendAt(now); at.After(now) {
			s.pacedUntil = at
			return Transmission{}, false
		}
		return s.sendAgain(now, seq, segments), true
	}
	s.copies.active = false
	if at := s.cc.SendAt(now); at.After(now) {
		s.pacedUntil = at
		return Transmission{}, false
	}
	if !s.canRecord() { // until something of what is in flight is known
		s.limited(true)
		return Transmission{}, false
	}
	ch, mask, repeat := s.choose()
	if mask == 0 {
		return Transmission{}, false
	}
	if ch == 0 && !repeat {
		s.planCopy(now)
	}
	return s.transmit(now, ch, mask, repeat), true
}

// pending reports whether there is anything to send, were there room for it.
func (s *Sender) pending() bool {
	if len(s.repairs) > 0 || !s.channels[0].busy && !s.control.waiting().Empty() {
		return true
	}
	return !s.work.empty() && (len(s.idle) > 0 || s.canOpen())
}

// choose picks what goes next: control messages, then repairs, then file bytes.
// The mask is 0 when the window has no room for it.
func (s *Sender) choose() (ch proto.Channel, mask uint64, repeat bool) {
	if c := &s.channels[0]; !c.busy && !s.control.waiting().Empty() {
		// Little, one burst at a time, and no use to the peer if it comes late:
		// it passes the window.
		c.start(proto.Control, s.control.waiting(), s.cfg.SegmentBytes, s.cfg.burstLimit())
		s.control.sent = c.data.End
		return 0, c.all(), false
	}
	s.limited(s.credit < s.cc.Window())
	room := (s.window() - s.inFlight) / s.cfg.SegmentBytes
	if room <= 0 && s.inFlight == 0 && s.credit > 0 {
		room = 1
	}
	if len(s.repairs) > 0 {
		return s.repair(room)
	}
	if s.work.empty() || room <= 0 {
		return 0, 0, false
	}
	want := s.burstSegments()
	if 2*room < want && s.inFlight > 0 { // a smaller burst than half would waste the call
		return 0, 0, false
	}
	ch = s.takeIdle()
	w, c := s.work.front(), &s.channels[ch]
	c.start(w.request, w.data, s.cfg.SegmentBytes, min(want, room))
	s.work.took(c.data.Len())
	if s.work.bytes >= int64(s.inFlight) { // near the end the delay would show
		s.withhold(c)
	}
	return ch, c.all() &^ c.withheld, false
}

// limited notes whether something other than congestion control holds the
// sender back: no work, no idle channel, or the peer's credit. It reports whether that
// is so of all that share its path.
func (s *Sender) limited(is bool) (all bool) {
	s.appLimited = is
	return s.cc.SetLimited(is)
}

// takeIdle returns a channel that waits for nothing. pending has seen to it
// that there is one.
func (s *Sender) takeIdle() proto.Channel {
	if n := len(s.idle); n > 0 {
		ch := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return ch
	}
	s.channels = append(s.channels, channel{})
	return proto.Channel(len(s.channels) - 1)
}

// burstSegments returns how many segments the next burst should have: a
// millisecond of sending, and no more than a quarter of the window, so that
// channels overlap.
func (s *Sender) burstSegments() int {
	limit := s.cfg.burstLimit()
	if s.cfg.Burst > 0 {
		return limit
	}
	quarter := max(1, s.window()/s.cfg.SegmentBytes/4)
	n := limit
	if rate := s.cc.PacingRate(); rate > 0 {
		n = max(2, int(rate*burstTime.Seconds())/s.cfg.SegmentBytes)
	}
	return min(n, quarter, limit)
}

// window returns how many bytes may be in flight.
func (s *Sender) window() int { return min(s.cc.Window(), s.credit) }

// transmit sends the segments mask of a channel's burst.
func (s *Sender) transmit(now time.Time, ch proto.Channel, mask uint64, repeat bool) Transmission {
	c := &s.channels[ch]
	n := bits.OnesCount64(mask)
	first := s.take(n)

	keep := c.flights[:0]
	for _, seq := range c.flights { // forget what has left the log
		if seq >= s.log.head {
			keep = append(keep, seq)
		}
	}
	if !c.begun {
		c.begun, c.first = true, first
	}
	bytes := c.bytes(mask)
	c.flights = append(keep, s.log.push(flight{
		first: first, at: now, channel: ch, sent: mask, inFlight: mask,
		delivery: s.cc.OnSend(now, bytes),
	}))

	s.inFlight += bytes
	s.loss.sentAt = now
	s.stats.Segments += uint64(n)
	s.stats.Bytes += uint64(bytes)
	if repeat {
		c.resent |= mask
		s.stats.Repeated += uint64(n)
	}
	if s.cfg.Trace != nil {
		kind := EventSent
		if repeat {
			kind = EventRepeated
		}
		s.traceSegments(now, kind, s.log.at(s.log.tail-1), mask)
	}
	return c.transmission(ch, first, mask, repeat)
}

// transmission returns what to send of the channel ch, in datagrams from first on.
func (c *channel) transmission(ch proto.Channel, first proto.PacketNumber, mask uint64, repeat bool) Transmission {
	return Transmission{
		First: first, Channel: ch, Burst: c.burst, Request: c.request,
		Data: c.data, Segment: c.segment, Count: c.count, Mask: mask, Repeat: repeat,
	}
}
