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

	// maxGaps bounds the runs that wait for what is before them: the segments of a
	// burst, and of the same burst cut anew. One byte in two would be 32,768.
	maxGaps = 2 * proto.MaxBurst
)

// ErrControlFull reports that the peer has not acknowledged the control
// messages of before, and that no more are kept.
var ErrControlFull = errors.New("control stream full")

// ErrViolation reports that the peer broke the protocol: the session ends.
var ErrViolation = errors.New("protocol violation")

// controlOut keeps the control stream's bytes until they are acknowledged.
type controlOut struct {
	buf  []byte
	base int64 // the stream offset of buf[0]
	sent int64 // what is at or past it has not been sent yet
}

func (c *controlOut) write(p []byte) error {
	if len(c.buf)+len(p) > controlBuffer {
		return ErrControlFull
	}
	c.buf = append(c.buf, p...)
	return nil
}

func (c *controlOut) waiting() rangeset.Range {
	end := c.base + int64(len(c.buf))
	return rangeset.Range{Start: c.sent, End: min(end, c.sent+controlBurst)}
}

func (c *controlOut) acknowledged(r rangeset.Range) {
	c.buf = append(c.buf[:0], c.buf[r.End-c.base:]...)
	c.base = r.End
}

// bytes returns the stream's bytes of r, which has not been acknowledged.
func (c *controlOut) bytes(r rangeset.Range) []byte {
	return c.buf[r.Start-c.base : r.End-c.base]
}

// ControlReader puts the segments of the control stream in order.
type ControlReader struct {
	ready []byte // in order, not consumed
	next  int64  // stream offset of the end of ready
	ahead []byte // what came out of order, from next on
	have  rangeset.Set
}

// Add takes a segment at offset. It fails with ErrViolation beyond the window
// of one burst.
func (c *ControlReader) Add(offset int64, payload []byte) error {
	r := rangeset.Range{Start: max(offset, c.next), End: offset + int64(len(payload))}
	if r.Empty() {
		return nil // all of it known
	}
	if r.End > c.next+controlBurst || len(c.ready) > controlBuffer {
		return ErrViolation
	}
	payload = payload[r.Start-offset:]
	if r.Start > c.next {
		if c.ahead == nil {
			c.ahead = make([]byte, controlBurst)
		}
		copy(c.ahead[r.Start-c.next:], payload)
		c.have.Add(r)
		if len(c.have.Ranges()) > maxGaps {
			return ErrViolation
		}
		return nil
	}
	c.advance(payload)
	return nil
}

// advance takes payload as the next bytes, and what follows it in ahead.
func (c *ControlReader) advance(payload []byte) {
	c.ready = append(c.ready, payload...)
	end := c.next + int64(len(payload))
	known := end
	for _, r := range c.have.Ranges() {
		if r.Start <= end && r.End > known {
			known = r.End
		}
	}
	if c.have.Len() > 0 {
		c.ready = append(c.ready, c.ahead[end-c.next:known-c.next]...)
		copy(c.ahead, c.ahead[known-c.next:])
		c.have.Remove(rangeset.Range{End: known})
	}
	c.next = known
}

// Bytes returns what has come in order and was not consumed. It is valid until
// the next call.
func (c *ControlReader) Bytes() []byte { return c.ready }

// Consume drops all of Bytes but its tail rest.
func (c *ControlReader) Consume(rest []byte) {
	c.ready = append(c.ready[:0], rest...)
}
