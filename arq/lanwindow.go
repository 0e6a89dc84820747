package arq

import (
	"math"
	"time"
)

// lanWindow is the congestion window on a path of less than lanRTT: it opens
// until the peer's credit is the bound, and halves on real loss (RFC 5681).
// Nothing is paced.
type lanWindow struct {
	window    float64 // bytes
	threshold float64 // of slow start, bytes
	recovery  time.Time
}

func newLANWindow(bytes float64) lanWindow {
	return lanWindow{window: bytes, threshold: math.Inf(1)}
}

func (w *lanWindow) acked(a AckSample, segment float64) {
	switch {
	case !a.WindowLimited:
	case w.window < w.threshold:
		w.window += float64(a.Bytes)
	default:
		w.window += segment * float64(a.Bytes) / w.window
	}
}

// lost halves the window, once for all that was sent before.
func (w *lanWindow) lost(now time.Time, l LossSample, segment float64) {
	if l.SentAt.Before(w.recovery) {
		return
	}
	w.recovery = now
	w.window = max(w.window/2, 2*segment)
	w.threshold = w.window
}

func (w *lanWindow) silence(segment float64) { *w = newLANWindow(max(2*segment, 14720)) }
