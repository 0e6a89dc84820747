package arq

import "time"

// Fixed is a Controller that ignores the path: for experiments, and for tests
// of what lies beneath congestion control. Never use it on a shared network.
type Fixed struct {
	WindowBytes     int     // bytes in flight
	RateBytesPerSec float64 // 0 for no pacing

	segment int
	pacer   pacer
}

// SendAt implements Controller.
func (f *Fixed) SendAt(now time.Time) time.Time {
	return f.pacer.next(now, f.RateBytesPerSec, f.segment)
}

// OnSend implements Controller.
func (f *Fixed) OnSend(_ time.Time, bytes int) (d Delivery) {
	f.pacer.take(bytes)
	return d
}

func (f *Fixed) Window() int                  { return f.WindowBytes }
func (f *Fixed) PacingRate() float64          { return f.RateBytesPerSec }
func (f *Fixed) SetSegment(bytes int)         { f.segment = bytes }
func (f *Fixed) OnAck(time.Time, AckSample)   {}
func (f *Fixed) OnLoss(time.Time, LossSample) {}
func (f *Fixed) OnRecall(int)                 {}
func (f *Fixed) OnSilence(time.Time)          {}
func (f *Fixed) SetLimited(limited bool) bool { return limited }
func (f *Fixed) Phase() string                { return "fixed" }
