package arq

import (
	"math"
	"time"
)

// Constants of RFC 9438.
const (
	cubicC    = 0.4 // section 5, segments per second cubed
	cubicBeta = 0.7 // section 4.6
)

// lanRTT is the round trip below which sending is not paced: the window
// empties faster than a timer of the Go runtime can space it.
const lanRTT = 2 * time.Millisecond

// Cubic is CUBIC (RFC 9438) in bytes, with HyStart++ (RFC 9406) to leave slow
// start before the queue overflows, paced.
type Cubic struct {
	segment   float64 // bytes
	window    float64 // bytes
	threshold float64 // of slow start, bytes
	slow      slowStart
	pacer     pacer

	smoothed time.Duration
	recovery time.Time // loss of what was sent before this has been answered

	// The cubic since the last reduction.
	heard time.Time     // of the last acknowledgement
	prior float64       // segments: the window before the reduction (cwnd_prior)
	epoch time.Time     // zero until the first acknowledgement after it
	wMax  float64       // segments: the window before the reduction
	k     time.Duration // from epoch to where the cubic is back at wMax
	wEst  float64       // segments: what Reno would have (section 4.3)
}

// NewCubic returns a Cubic for segments of so many bytes, with the initial
// window of RFC 9002 section 7.2.
func NewCubic(segmentBytes int) *Cubic {
	s := float64(segmentBytes)
	return &Cubic{
		segment:   s,
		window:    min(10*s, max(2*s, 14720)),
		threshold: math.Inf(1),
	}
}

// Window implements Controller.
func (c *Cubic) Window() int { return int(c.window) }

// PacingRate implements Controller: the window over the round trip, and
// somewhat more, so that pacing is not what limits growth.
func (c *Cubic) PacingRate() float64 {
	if c.smoothed < lanRTT {
		return 0
	}
	gain := 1.25 // RFC 9002 section 7.7
	if c.window < c.threshold {
		gain = 2 // the window doubles in a round trip
	}
	return gain * c.window / c.smoothed.Seconds()
}

// SetSegment implements Controller.
func (c *Cubic) SetSegment(bytes int) {
	// What is counted in segments stands for as many bytes as before.
	ratio := c.segment / float64(bytes)
	c.prior *= ratio
	c.wMax *= ratio
	c.wEst *= ratio
	c.segment = float64(bytes)
	c.window = max(c.window, 2*c.segment)
}

// SendAt implements Controller.
func (c *Cubic) SendAt(now time.Time) time.Time {
	return c.pacer.next(now, c.PacingRate(), int(c.segment))
}

// OnSend implements Controller: CUBIC measures no rate.
func (c *Cubic) OnSend(_ time.Time, bytes int) (d Delivery) {
	c.pacer.take(bytes)
	return d
}

// OnRecall implements Controller.
func (c *Cubic) OnRecall(int) {}

// Phase implements Controller.
func (c *Cubic) Phase() string {
	if c.window < c.threshold {
		return "slow start"
	}
	return "avoidance"
}

// SetLimited implements Controller: the acknowledgements say it too.
func (c *Cubic) SetLimited(limited bool) bool { return limited }

// OnAck implements Controller.
func (c *Cubic) OnAck(now time.Time, a AckSample) {
	c.smoothed = a.SmoothedRTT
	if !a.WindowLimited && !c.epoch.IsZero() {
		c.epoch = c.epoch.Add(now.Sub(c.heard)) // RFC 9438 section 5.8
	}
	c.heard = now
	if a.SentAt.Before(c.recovery) || !a.WindowLimited {
		return
	}
	if c.window < c.threshold {
		c.window += c.slow.growth(now, a)
		if c.slow.full {
			c.threshold = c.window
		}
		return
	}
	c.avoid(now, a)
}

// avoid grows the window in congestion avoidance (section 4.2 and after).
func (c *Cubic) avoid(now time.Time, a AckSample) {
	w := c.window / c.segment
	if c.epoch.IsZero() {
		c.epoch = now
		c.wEst = w
		c.k = 0
		if c.wMax > w {
			c.k = time.Duration(math.Cbrt((c.wMax-w)/cubicC) * float64(time.Second))
		} else {
			c.wMax = w
		}
	}
	acked := float64(a.Bytes) / c.segment
	alpha := 1.0
	if c.wEst < c.prior {
		alpha = 3 * (1 - cubicBeta) / (1 + cubicBeta)
	}
	c.wEst += alpha * acked / w

	t := (now.Sub(c.epoch) + a.SmoothedRTT - c.k).Seconds()
	target := min(max(c.wMax+cubicC*t*t*t, w), 1.5*w)
	next := w + (target-w)/w*acked
	c.window = max(next, c.wEst) * c.segment
}

// OnLoss implements Controller: one reduction for all the losses of a round trip.
func (c *Cubic) OnLoss(now time.Time, l LossSample) {
	if l.SentAt.Before(c.recovery) {
		return
	}
	c.recovery = now
	w := c.window / c.segment
	c.prior = w
	if w < c.wMax { // fast convergence, section 4.7
		c.wMax = w * (1 + cubicBeta) / 2
	} else {
		c.wMax = w
	}
	c.epoch = time.Time{}
	c.window = max(c.window*cubicBeta, 2*c.segment)
	c.threshold = c.window
}

// OnSilence implements Controller.
func (c *Cubic) OnSilence(now time.Time) {
	c.threshold = max(c.window*cubicBeta, 2*c.segment)
	c.window = 2 * c.segment
	c.recovery = now
	c.epoch = time.Time{}
	c.slow = slowStart{}
}
