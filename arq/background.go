package arq

import (
	"math"
	"slices"
	"time"
)

// Constants of LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus), but where a
// comment says otherwise.
const (
	// backgroundTarget is the most queueing delay that a Background makes; its
	// growth is slower than Reno's by the ratio to the path's round trip.
	backgroundTarget  = 60 * time.Millisecond
	backgroundMaxGain = 16

	// backgroundMinGain is not the draft's: it has Reno's growth on a long path.
	backgroundMinGain = 2

	// backgroundDivisor is the part of the round trip that a Background makes of
	// queue: the draft has the target alone, to which neither a Model nor a CUBIC flow
	// over a queue of less is fair (docs/decisions/0009 has the figures). The least
	// is what bursts look like.
	backgroundDivisor = 8
	backgroundLeast   = 2 * time.Millisecond

	backgroundExit = 0.75 // of the target: where slow start ends

	// backgroundOthers is at how many targets of delay the queue is somebody
	// else's: growth by less than a segment in a round trip does not make it. That is
	// a slowdown's reason too, and not the draft's, which halves the window: a Model
	// that joins ends its startup if it does not find room at once.
	backgroundOthers = 2

	// backgroundEmpty is the part of the target below which there is no queue: then
	// slow start goes on past where the window was before a slowdown. The draft goes
	// on by less than a segment in a round trip, which on 100 Mbit/s and 50 ms takes
	// a minute and a half to use what another flow has left.
	backgroundEmpty = 2

	// backgroundCareful is by how much more slowly it goes on there (arbitrary): what
	// it overshoots by is then less than the target.
	backgroundCareful = 4

	slowdownRounds  = 2 // how long a slowdown holds the window down
	slowdownSpacing = 9 // how many times as long as a slowdown takes lies between two
	backgroundFloor = 2 // segments

	// recentRTTs is of how many samples the least counts: one may be late for
	// reasons that are no queue (CURRENT_FILTER of RFC 6817, section 2.5).
	recentRTTs = 4

	// baseHistory is over how many minutes the least round trip is taken
	// (BASE_HISTORY of RFC 6817, section 2.5).
	baseHistory = 10
)

// Background is a congestion controller for what may wait: it uses what others
// leave. It is LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus), which reads from the
// round trip how long the queue is and makes room before a loss. Every so often
// it slows down to two segments, to see the path without its own queue.
type Background struct {
	segment   float64 // bytes
	window    float64 // bytes
	threshold float64 // of slow start, bytes
	pacer     pacer

	smoothed time.Duration
	base     baseRTT
	recent   [recentRTTs]time.Duration // the last samples; the least of them tells the queue
	samples  int
	roundEnd time.Time // a round trip ends when what was sent after this is acknowledged
	recovery time.Time // loss of what was sent before this has been answered
	begun    bool      // the first slow start is over
	known    float64   // the window before the last slowdown
	roomAt   time.Time // what was sent before this does not show the room that was made

	slowing   int       // rounds left of the slowdown under way
	slowFrom  time.Time // when it began; zero when the window is back
	slowAt    time.Time // of the next one; zero before the end of slow start
	slowRound int       // rounds until the initial slowdown; 0 for none to come
}

// NewBackground returns a Background for segments of so many bytes.
func NewBackground(segmentBytes int) *Background {
	s := float64(segmentBytes)
	return &Background{segment: s, window: backgroundFloor * s, threshold: math.Inf(1)}
}

// Window implements Controller.
func (b *Background) Window() int { return int(b.window) }

// PacingRate implements Controller: as CUBIC has it.
func (b *Background) PacingRate() float64 {
	if b.smoothed < lanRTT {
		return 0
	}
	return 1.25 * b.window / b.smoothed.Seconds() // RFC 9002 section 7.7
}

// SendAt implements Controller.
func (b *Background) SendAt(now time.Time) time.Time {
	return b.pacer.next(now, b.PacingRate(), int(b.segment))
}

// SetSegment implements Controller.
func (b *Background) SetSegment(bytes int) {
	b.segment = float64(bytes)
	b.window = max(b.window, backgroundFloor*b.segment)
}

// OnSend implements Controller: nothing is measured by what was sent.
func (b *Background) OnSend(_ time.Time, bytes int) (d Delivery) {
	b.pacer.take(bytes)
	return d
}

// OnRecall implements Controller.
func (b *Background) OnRecall(int) {}

// SetLimited implements Controller: the acknowledgements say it too.
func (b *Background) SetLimited(limited bool) bool { return false } // the path is others'

// Phase implements Controller.
func (b *Background) Phase() string {
	switch {
	case b.slowing > 0:
		return "slowdown"
	case b.window < b.threshold:
		return "slow start"
	}
	return "avoidance"
}

// target returns the queueing delay to keep to.
func (b *Background) target() time.Duration {
	return min(max(b.base.min()/backgroundDivisor, backgroundLeast), backgroundTarget)
}

// gain returns the part of Reno's growth that a Background takes.
func (b *Background) gain() float64 {
	ratio := math.Ceil(2 * backgroundTarget.Seconds() / b.base.min().Seconds())
	return 1 / min(max(ratio, backgroundMinGain), backgroundMaxGain)
}

// growth returns by which part slow start widens the window in a round trip.
func (b *Background) growth() float64 {
	if b.begun && b.window >= b.known {
		return b.gain() / backgroundCareful
	}
	return b.gain()
}

// delay returns the queueing delay, and false while it is not known.
func (b *Background) delay() (time.Duration, bool) {
	if b.samples < recentRTTs {
		return 0, false
	}
	return slices.Min(b.recent[:]) - b.base.min(), true
}

// OnAck implements Controller.
func (b *Background) OnAck(now time.Time, a AckSample) {
	b.smoothed = a.SmoothedRTT
	if a.RTT > 0 {
		b.base.add(now, a.RTT)
		b.recent[b.samples%recentRTTs] = a.RTT
		b.samples++
	}
	if !a.SentAt.IsZero() && !a.SentAt.Before(b.roundEnd) {
		b.endRound(now)
	}
	delay, known := b.delay()
	if !known || b.slowing > 0 {
		return
	}
	target := b.target()
	if b.window < b.threshold && delay > time.Duration(backgroundExit*float64(target)) {
		b.leaveSlowStart(now, delay)
		return
	}
	switch acked := float64(a.Bytes); {
	case delay > backgroundOthers*target && b.slowRound == 0:
		b.slowDown(now)
		b.threshold = max(b.threshold/2, backgroundFloor*b.segment)
	case delay > target:
		if !a.SentAt.Before(b.roomAt) {
			b.makeRoom(now, delay, target)
		}
	case !a.WindowLimited:
	case b.window < b.threshold:
		b.window += b.growth() * acked
		if b.window >= b.threshold && delay > target/backgroundEmpty {
			b.threshold = b.window
			b.restored(now)
		} else if b.window >= b.threshold { // others have left: on, until there is a queue
			b.threshold = math.Inf(1)
		}
	default:
		b.window += b.gain() * b.segment * acked / b.window
	}
}

// leaveSlowStart goes on from what the path holds: what was acknowledged now was
// sent a round trip ago, when the window was smaller by the growth since.
func (b *Background) leaveSlowStart(now time.Time, delay time.Duration) {
	if !b.begun {
		b.begun, b.slowRound = true, slowdownRounds // the initial slowdown
	}
	base := b.base.min().Seconds()
	b.threshold = math.Inf(1)
	b.set(b.window / (1 + b.growth()) * base / (base + delay.Seconds()))
	b.threshold = b.window
	b.restored(now)
}

// makeRoom shrinks the window in proportion to the delay that is too much, by
// half at most.
func (b *Background) makeRoom(now time.Time, delay, target time.Duration) {
	b.roomAt = now
	over := float64(delay)/float64(target) - 1
	b.set(b.window - min(b.window*over, b.window/2) + b.gain()*b.segment)
}

// set sets the window, outside slow start.
func (b *Background) set(window float64) {
	b.window = max(window, backgroundFloor*b.segment)
	b.threshold = min(b.threshold, b.window)
}

func (b *Background) endRound(now time.Time) {
	b.roundEnd = now
	if b.slowing > 0 {
		b.slowing--
		return
	}
	if b.slowRound > 0 {
		if b.slowRound--; b.slowRound == 0 {
			b.slowDown(now)
		}
	} else if !b.slowAt.IsZero() && !now.Before(b.slowAt) {
		b.slowDown(now)
	}
}

// slowDown lets the queue drain, so that the path is seen as it is.
func (b *Background) slowDown(now time.Time) {
	b.threshold, b.known = b.window, b.window
	b.window = backgroundFloor * b.segment
	b.slowing, b.slowFrom, b.slowAt = slowdownRounds, now, time.Time{}
}

// restored ends what a slowdown began: the next comes after nine times as long,
// so that a tenth of the time is spent on them.
func (b *Background) restored(now time.Time) {
	if !b.slowFrom.IsZero() {
		b.slowAt = now.Add(slowdownSpacing * now.Sub(b.slowFrom))
		b.slowFrom = time.Time{}
	}
}

// OnLoss implements Controller: half, once for all the losses of a round trip.
func (b *Background) OnLoss(now time.Time, l LossSample) {
	if l.SentAt.Before(b.recovery) {
		return
	}
	b.recovery = now
	if b.window < b.threshold {
		b.leaveSlowStart(now, 0)
	}
	b.set(b.window / 2)
}

// OnSilence implements Controller.
func (b *Background) OnSilence(now time.Time) {
	b.recovery = now
	b.threshold = max(b.window/2, backgroundFloor*b.segment)
	b.window = backgroundFloor * b.segment
	b.base = baseRTT{}
	b.samples = 0
}

// baseRTT is the least round trip of the last minutes.
type baseRTT struct {
	minutes [baseHistory]time.Duration // the least of each; 0 for none
	at      int
	began   time.Time // the minute under way
}

func (r *baseRTT) add(now time.Time, rtt time.Duration) {
	if r.began.IsZero() {
		r.began = now
	}
	for ; now.Sub(r.began) >= time.Minute; r.began = r.began.Add(time.Minute) {
		r.at = (r.at + 1) % baseHistory
		r.minutes[r.at] = 0
	}
	if m := &r.minutes[r.at]; *m == 0 || rtt < *m {
		*m = rtt
	}
}

// min returns the least, 0 without a sample.
func (r *baseRTT) min() (least time.Duration) {
	for _, m := range r.minutes {
		if m > 0 && (least == 0 || m < least) {
			least = m
		}
	}
	return least
}
