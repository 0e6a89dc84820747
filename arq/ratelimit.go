package arq

import "time"

// limitDepth is how much sending time a RateLimit saves up: what a driver that
// is late by no more than this loses no rate to (arbitrary; pacerDepth is less,
// but no path overflows by what a limit lets through late).
const limitDepth = 20 * time.Millisecond

// RateLimit is a Controller that sends as another one does, but no faster than
// a rate. It counts the bytes of segments, repeats among them: headers, sealing
// and acknowledgements come on top, as everywhere in this package.
//
// Its token bucket refills by elapsed time and may go into debt by one burst, so
// that over any time no more is sent than the rate allows, limitDepth's worth and
// a burst; and no less, if there is work, the other controller allows it, and the
// driver is no later than limitDepth. It holds on a path of less than lanRTT too,
// where other controllers do not pace.
//
// While the limit holds the sender back the other controller is told that what
// it sees is application-limited: a limit is no path's rate.
type RateLimit struct {
	Controller
	rate    float64 // bytes per second
	segment int     // bytes
	bucket  pacer
	holding bool // the limit, and not the other controller, says how fast
}

// NewRateLimit returns a RateLimit of so many bytes per second over cc, for
// segments of so many bytes. It panics if the rate is not positive.
func NewRateLimit(cc Controller, bytesPerSec float64, segmentBytes int) *RateLimit {
	l := &RateLimit{Controller: cc, segment: segmentBytes}
	l.SetRate(bytesPerSec)
	return l
}

// SetRate changes the limit. It panics if the rate is not positive.
func (l *RateLimit) SetRate(bytesPerSec float64) {
	if !(bytesPerSec > 0) {
		panic("BUG: a rate limit must be positive")
	}
	l.rate = bytesPerSec
}

// PacingRate implements Controller.
func (l *RateLimit) PacingRate() float64 {
	if r := l.Controller.PacingRate(); r > 0 {
		return min(r, l.rate)
	}
	return l.rate
}

// SendAt implements Controller.
func (l *RateLimit) SendAt(now time.Time) time.Time {
	depth := max(float64(2*l.segment), l.rate*limitDepth.Seconds())
	if l.bucket.filled.IsZero() {
		l.bucket = pacer{tokens: 1, filled: now} // what was not sent before the start is not saved up
	}
	l.bucket.refill(now, l.rate, int(depth))
	at := l.Controller.SendAt(now)
	switch {
	case l.bucket.tokens >= depth: // it is long since the limit held anything back
		l.holding = false
	case !l.bucket.ready():
		l.holding = !at.After(now)
		return latest(at, l.bucket.readyAt(l.rate))
	}
	return at
}

// SetSegment implements Controller.
func (l *RateLimit) SetSegment(bytes int) {
	l.segment = bytes
	l.Controller.SetSegment(bytes)
}

// OnSend implements Controller.
func (l *RateLimit) OnSend(now time.Time, bytes int) Delivery {
	l.bucket.take(bytes)
	return l.Controller.OnSend(now, bytes)
}

// OnAck implements Controller.
func (l *RateLimit) OnAck(now time.Time, a AckSample) {
	a.WindowLimited = a.WindowLimited && !l.holding
	l.Controller.OnAck(now, a)
}

// SetLimited implements Controller: a Sender says before each burst.
func (l *RateLimit) SetLimited(limited bool) bool {
	return l.Controller.SetLimited(limited || l.holding)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
