package proto

import "encoding/binary"

// SegmentHeaderLen is the length in bytes of a segment frame before its payload.
const SegmentHeaderLen = 13

// MaxFileBytes is the longest that a file may be, 256 TiB (arbitrary).
const MaxFileBytes = 1 << 48

// MaxGetBytes is the most that one Get may ask for, 4 GiB: a segment tells the low 32
// bits of its offset.
const MaxGetBytes = 1 << 32

const segmentRepeat = 1 << 7

// Segment is one datagram's worth of bytes of one burst.
type Segment struct {
	Index   uint8 // in its burst, below Count
	Count   uint8 // segments in the burst, 1 to MaxBurst
	Repeat  bool  // sent before
	Channel Channel
	Burst   Burst
	Request ID
	Offset  int64 // of Payload's first byte, in the file or the control stream; of one that was parsed the low 32 bits: see At
	Payload []byte
}

// At returns the first offset from from on of which s.Offset has the low 32 bits.
func (s *Segment) At(from int64) int64 { return from + int64(uint32(s.Offset)-uint32(from)) }

// PutHeader writes the frame up to its payload into the first
// SegmentHeaderLen bytes of b.
func (s *Segment) PutHeader(b []byte) {
	_ = b[SegmentHeaderLen-1]
	b[0] = byte(FrameSegment) | s.Index
	b[1] = s.Count - 1
	if s.Repeat {
		b[1] |= segmentRepeat
	}
	b[2] = byte(s.Channel >> 4)
	b[3] = byte(s.Channel<<4) | byte(s.Burst>>8)
	b[4] = byte(s.Burst)
	binary.BigEndian.PutUint32(b[5:], uint32(s.Request))
	binary.BigEndian.PutUint32(b[9:], uint32(s.Offset))
}

// Append appends the frame to dst.
func (s *Segment) Append(dst []byte) []byte {
	var h [SegmentHeaderLen]byte
	s.PutHeader(h[:])
	return append(append(dst, h[:]...), s.Payload...)
}

// ParseSegment parses a segment frame; its Payload aliases b.
func ParseSegment(b []byte) (Segment, error) {
	if len(b) <= SegmentHeaderLen || FrameType(b[0])&^segmentIndex != FrameSegment {
		return Segment{}, ErrMalformed
	}
	s := Segment{
		Index:   b[0] & segmentIndex,
		Count:   b[1]&^segmentRepeat + 1,
		Repeat:  b[1]&segmentRepeat != 0,
		Channel: Channel(b[2])<<4 | Channel(b[3]>>4),
		Burst:   Burst(b[3]&0xf)<<8 | Burst(b[4]),
		Request: ID(binary.BigEndian.Uint32(b[5:])),
		Offset:  int64(binary.BigEndian.Uint32(b[9:])),
		Payload: b[SegmentHeaderLen:],
	}
	if s.Count > MaxBurst || s.Index >= s.Count {
		return Segment{}, ErrMalformed
	}
	return s, nil
}
