package arq

import (
	"errors"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// Limits of the control stream in bytes (arbitrary). A burst of it fits into
// the receiver's window whole, so that a receiver never has to refuse one.
const (
	controlBurst  = 64 << 10
	controlBuffer = 256 << 10

	// controlStep is how much of what came ahead is taken at a time (arbitrary): what
	// is in order takes little memory if it is consumed.
	controlStep = 1 << 10

	// maxGaps bounds the runs that wait for what is before them: the segments of a
	// burst, and of the same burst cut anew. One byte in two would be 32,768.
	maxGaps = 2 * proto.MaxBurst
)

var (
	// ErrControlFull reports that the peer has not acknowledged the control
	// messages of before, and that no more are kept.
	ErrControlFull = errors.New("control stream full")

	// ErrNoMemory reports that Memory has no more for this session.
	ErrNoMemory = errors.New("no memory for control messages")

	// ErrViolation reports that the peer broke the protocol: the session ends.
	ErrViolation = errors.New("protocol violation")
)

// controlOut keeps the control stream's bytes until they are acknowledged.
type controlOut struct {
	memory Memory // nil: unbounded
	buf    []byte
	base   int64 // the stream offset of buf[0]
	sent   int64 // what is at or past it has not been sent yet
}

func (c *controlOut) write(p []byte) error {
	if len(c.buf)+len(p) > controlBuffer {
		return ErrControlFull
	}
	buf, ok := grown(c.memory, c.buf, len(c.buf)+len(p))
	if !ok {
		return ErrNoMemory
	}
	c.buf = append(buf, p...)
	return nil
}

// room returns how many bytes write takes.
func (c *controlOut) room() int {
	n := controlBuffer
	if c.memory != nil {
		n = min(n, cap(c.buf)+c.memory.Room())
	}
	return n - len(c.buf)
}

func (c *controlOut) waiting() rangeset.Range {
	end := c.base + int64(len(c.buf))
	return rangeset.Range{Start: c.sent, End: min(end, c.sent+controlBurst)}
}

func (c *controlOut) acknowledged(r rangeset.Range) {
	c.buf = freed(c.memory, append(c.buf[:0], c.buf[r.End-c.base:]...))
	c.base = r.End
}

// bytes returns the stream's bytes of r, which has not been acknowledged.
func (c *controlOut) bytes(r rangeset.Range) []byte {
	return c.buf[r.Start-c.base : r.End-c.base]
}

// WriteControl queues p on the control stream; p is copied. It fails with
// ErrControlFull or ErrNoMemory.
func (s *Sender) WriteControl(p []byte) error { return s.control.write(p) }

// ControlRoom returns how many bytes WriteControl takes now.
func (s *Sender) ControlRoom() int { return s.control.room() }

// ControlWaiting returns how many bytes of the control stream have not been
// acknowledged.
func (s *Sender) ControlWaiting() int { return len(s.control.buf) }

// Control returns the bytes r of the control stream, for a Transmission of request 0.
func (s *Sender) Control(r rangeset.Range) []byte { return s.control.bytes(r) }

// ControlReader puts the segments of the control stream in order.
type ControlReader struct {
	Memory Memory // nil: unbounded

	ready []byte // in order, not consumed
	next  int64  // stream offset of the end of ready
	ahead []byte // what came out of order, from next on
	have  rangeset.Set
}

// Expand makes seg's offset, of which its header tells the low bits, one in the
// stream.
func (c *ControlReader) Expand(seg *proto.Segment) {
	const behind = 1 << 31 // more than can come late
	seg.Offset = seg.At(max(0, c.next-behind))
}

// Reserve sees to it that there is memory for a segment of n bytes at offset, and
// reports whether there is: one for which there is none is to come again.
func (c *ControlReader) Reserve(offset int64, n int) (ok bool) {
	r := rangeset.Range{Start: max(offset, c.next), End: offset + int64(n)}
	switch {
	case r.Empty(), c.violates(r):
		return true
	case r.Start > c.next:
		c.ahead, ok = grown(c.Memory, c.ahead, int(r.End-c.next))
	default:
		c.ready, ok = grown(c.Memory, c.ready, len(c.ready)+int(r.Len()))
	}
	return ok
}

// violates reports whether r lies beyond what a peer may send.
func (c *ControlReader) violates(r rangeset.Range) bool {
	return r.End > c.next+controlBurst || len(c.ready) > controlBuffer
}

// Add takes a segment at offset, for which there is memory. It fails with
// ErrViolation beyond the window of one burst.
func (c *ControlReader) Add(offset int64, payload []byte) error {
	r := rangeset.Range{Start: max(offset, c.next), End: offset + int64(len(payload))}
	switch {
	case r.Empty():
		return nil // all of it known
	case c.violates(r):
		return ErrViolation
	case !c.Reserve(offset, len(payload)):
		return ErrNoMemory
	}
	payload = payload[r.Start-offset:]
	if r.Start == c.next {
		c.ready = append(c.ready, payload...)
		c.pass(r.End)
		return nil
	}
	c.ahead = c.ahead[:cap(c.ahead)]
	copy(c.ahead[r.Start-c.next:], payload)
	c.have.Add(r)
	if len(c.have.Ranges()) > maxGaps {
		return ErrViolation
	}
	return nil
}

// pass notes that all before next is in order.
func (c *ControlReader) pass(next int64) {
	n := next - c.next
	c.next = next
	c.have.Remove(rangeset.Range{End: next})
	if runs := c.have.Ranges(); len(runs) > 0 {
		copy(c.ahead, c.ahead[n:n+runs[len(runs)-1].End-next])
		return
	}
	c.ahead = freed(c.Memory, c.ahead[:0])
}

// More takes some of what came ahead and follows Bytes, and reports whether there
// was any. It fails with ErrNoMemory.
func (c *ControlReader) More() (bool, error) {
	runs := c.have.Ranges()
	if len(runs) == 0 || runs[0].Start > c.next {
		return false, nil
	}
	n := int(min(runs[0].Len(), controlStep))
	var ok bool
	if c.ready, ok = grown(c.Memory, c.ready, len(c.ready)+n); !ok {
		return false, ErrNoMemory
	}
	c.ready = append(c.ready, c.ahead[:n]...)
	c.pass(c.next + int64(n))
	return true, nil
}

// Bytes returns what has come in order and was not consumed. It is valid until
// the next call.
func (c *ControlReader) Bytes() []byte { return c.ready }

// Consume drops all of Bytes but its tail rest.
func (c *ControlReader) Consume(rest []byte) {
	c.ready = freed(c.Memory, append(c.ready[:0], rest...))
}
