package arq

import (
	"math/bits"
	"time"

	"chunkcp/proto"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventSent     EventKind = "sent"     // segments, for the first time
	EventRepeated EventKind = "repeated" // segments, again
	EventProbed   EventKind = "probed"   // a probe timeout has passed
	EventAcked    EventKind = "acked"    // an acknowledgement
	EventLost     EventKind = "lost"     // segments of a transmission declared lost
)

// Event is one thing that happened to a Sender, and how it stood afterwards.
// It is made to be drawn and to debug from, not to be kept.
type Event struct {
	At       time.Time
	Kind     EventKind
	Number   proto.PacketNumber // sent, repeated, lost: of the first segment; acked: the latest to arrive
	Channel  proto.Channel      // sent, repeated, lost
	Burst    proto.Burst        // sent, repeated, lost
	Segments int                // sent, repeated, lost
	Bytes    int                // of their payload; acked: newly acknowledged

	RTT             time.Duration // acked: the sample, 0 for none
	SmoothedRTT     time.Duration
	MinRTT          time.Duration
	InFlight        int     // bytes
	Window          int     // bytes
	Credit          int     // bytes
	RateBytesPerSec float64 // pacing; 0 when not paced
	Phase           string  // of the controller
}

// trace reports an event, with how the Sender stands.
func (s *Sender) trace(e Event) {
	e.SmoothedRTT, e.MinRTT = s.rtt.smoothed, s.rtt.min
	e.InFlight, e.Window, e.Credit = s.inFlight, s.cc.Window(), s.credit
	e.RateBytesPerSec, e.Phase = s.cc.PacingRate(), s.cc.Phase()
	s.cfg.Trace(e)
}

// traceSegments reports an event of some segments of a channel's burst.
func (s *Sender) traceSegments(now time.Time, kind EventKind, f *flight, segments uint64) {
	c := &s.channels[f.channel]
	s.trace(Event{
		At: now, Kind: kind, Number: f.number(segments & -segments), Channel: f.channel, Burst: c.burst,
		Segments: bits.OnesCount64(segments), Bytes: c.bytes(segments),
	})
}
