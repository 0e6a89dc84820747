package arq

import "time"

// Controller is a congestion controller: how much may be in flight, how fast.
type Controller interface {
	// Window returns how many bytes of segments may be in flight, at least one segment.
	Window() int

	// PacingRate returns bytes per second, 0 for as fast as the window allows.
	PacingRate() float64

	// SendAt returns when pacing allows the next burst: now, or a time to come.
	SendAt(now time.Time) time.Time

	// SetSegment is told that segments have so many bytes from now on.
	SetSegment(bytes int)

	// OnSend is told of bytes that are sent. What it returns comes back in the
	// AckSample of their acknowledgement.
	OnSend(now time.Time, bytes int) Delivery

	// OnAck is told of bytes newly acknowledged.
	OnAck(now time.Time, a AckSample)

	// OnLoss is told of bytes declared lost.
	OnLoss(now time.Time, l LossSample)

	// OnRecall is told of bytes in flight that are no longer waited for: they are
	// sent again, or not at all, for reasons that say nothing of the path.
	OnRecall(bytes int)

	// OnSilence is told that an acknowledgement came after nothing had been
	// heard for several probe timeouts (RFC 9002, section 7.6: persistent
	// congestion).
	OnSilence(now time.Time)

	// SetLimited is told whether something else than the controller holds the
	// sender back: no work, no idle channel, or the peer's credit. It reports whether
	// that is so of all senders that share the controller.
	SetLimited(limited bool) (all bool)

	// Phase says in a word what the controller is doing, for people.
	Phase() string
}

// AckSample is what one acknowledgement showed.
type AckSample struct {
	Bytes    int       // newly acknowledged
	Unlost   int       // of those: had been declared lost
	SentAt   time.Time // of the last-sent segment among them; zero if all were Unlost, or are repeats that cannot have arrived yet
	InFlight int       // bytes, before this acknowledgement

	// RTT is this acknowledgement's round trip sample, 0 if it gave none.
	RTT, SmoothedRTT, MinRTT time.Duration

	// WindowLimited says that the window kept the sender from sending more;
	// where it did not, an acknowledgement is no reason to widen it.
	WindowLimited bool

	// Sent is what OnSend returned for the last-sent segment.
	Sent Delivery
}

// LossSample is what one pass of loss detection declared lost.
type LossSample struct {
	Bytes  int
	SentAt time.Time // of the last-sent segment among them
}
