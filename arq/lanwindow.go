package arq

import (
	"math"
	"time"
)

const (
	// lanQueue is what a queue adds to a round trip at least, if it is one, or half of the least
	// round trip if that is more. A port's buffer of 64 KiB takes 500 microseconds at a
	// gigabit (arbitrary).
	lanQueue = 100 * time.Microsecond

	// lanLoss is the share of what is sent that may be lost without a queue, and lanLosses
	// how many segments beyond it: what is more may be a queue too short to show.
	lanLoss   = 0.02
	lanLosses = 2

	// lanMemory is how many windows pass until half of what was lost is forgotten (arbitrary).
	lanMemory = 32
)

// lanWindow is the congestion window on a path of less than lanRTT: it opens
// until the peer's credit is the bound, and halves on loss (RFC 5681) that comes with a
// queue, or is more than chance has it. Nothing is paced.
type lanWindow struct {
	window    float64 // bytes
	threshold float64 // of slow start, bytes
	recovery  time.Time

	rtt, least  time.Duration // of the samples: the latest, and the shortest
	acked, lost float64       // bytes of late
}

func newLANWindow(bytes float64) lanWindow {
	return lanWindow{window: bytes, threshold: math.Inf(1)}
}

func (w *lanWindow) onAck(a AckSample, segment float64) {
	if a.RTT > 0 {
		w.rtt, w.least = a.RTT, a.MinRTT
	}
	if w.acked += float64(a.Bytes); w.acked > lanMemory*w.window {
		w.acked, w.lost = w.acked/2, w.lost/2
	}
	switch {
	case !a.WindowLimited:
	case w.window < w.threshold:
		w.window += float64(a.Bytes)
	default:
		w.window += segment * float64(a.Bytes) / w.window
	}
}

// onLoss halves the window, once for all that was sent before.
func (w *lanWindow) onLoss(now time.Time, l LossSample, segment float64) {
	w.lost += float64(l.Bytes)
	chance := !w.queued() && w.lost <= lanLoss*w.acked+lanLosses*segment
	if chance || l.SentAt.Before(w.recovery) {
		return
	}
	w.recovery = now
	w.window = max(w.window/2, 2*segment)
	w.threshold = w.window
}

// queued reports whether the latest round trip shows a queue.
func (w *lanWindow) queued() bool { return w.rtt > w.least+max(w.least/2, lanQueue) }

func (w *lanWindow) silence(segment float64) { *w = newLANWindow(max(2*segment, 14720)) }
