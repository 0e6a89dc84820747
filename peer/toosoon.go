package peer

import (
	"bytes"

	"chunkcp/proto"
)

const (
	// maxTooSoon is how many bytes of each kind a session keeps of what comes too
	// soon: more than the first window on a path that is not known yet. Arbitrary.
	maxTooSoon = 256 << 10

	// tooSoonOverhead is what keeping one costs beside its bytes, about.
	tooSoonOverhead = 64
)

// tooSoon are things that came before another without which there is no use for them,
// in the order in which they came: that was overtaken on the way, or lost, and comes
// again. Were they not kept, a server would take its whole first window for lost.
type tooSoon[T any] struct {
	waiting []T
	bytes   int // that they cost
}

// room reports whether one more, of n bytes, is kept.
func (w *tooSoon[T]) room(n int) bool { return w.bytes+n+tooSoonOverhead <= maxTooSoon }

// add keeps x, of n bytes.
func (w *tooSoon[T]) add(x T, n int) {
	w.waiting = append(w.waiting, x)
	w.bytes += n + tooSoonOverhead
}

// take takes out the first.
func (w *tooSoon[T]) take() {
	if w.waiting = w.waiting[1:]; len(w.waiting) == 0 {
		*w = tooSoon[T]{}
	}
}

// keepUnsized keeps a segment of what was asked for early, which came before the answer
// that tells the file's size.
func (c *clientSession) keepUnsized(seg *proto.Segment) {
	kept := *seg
	kept.Payload = bytes.Clone(seg.Payload)
	c.unsized.add(kept, len(kept.Payload))
}

// placeUnsized places what came before the file's size, now that it is known: what there
// is no memory for later, since it has been acknowledged.
func (c *clientSession) placeUnsized() {
	for u := &c.unsized; c.size >= 0 && len(u.waiting) > 0 && c.room(&u.waiting[0]); u.take() {
		c.place(&u.waiting[0])
	}
}

// keepUnopened keeps a datagram of the phase of which the server's half of the keys has
// not come. It may be forged: nothing is made of it before it is opened.
func (s *session) keepUnopened(datagram []byte) {
	if s.unopened.room(len(datagram)) {
		s.unopened.add(bytes.Clone(datagram), len(datagram))
	}
}
