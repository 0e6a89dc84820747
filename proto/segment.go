package proto

import "encoding/binary"

// SegmentHeaderLen is the length in bytes of a segment frame before its payload.
const SegmentHeaderLen = 17

// MaxFileBytes is the longest that a file or a control stream may be, 256 TiB: an
// offset has 48 bits.
const MaxFileBytes = 1 << 48

const segmentRepeat = 1 << 7

// Segment is one datagram's worth of bytes of one burst.
type Segment struct {
	Index   uint8 // in its burst, below Count
	Count   uint8 // segments in the burst, 1 to MaxBurst
	Repeat  bool  // sent before
	Channel Channel
	Burst   Burst
	Request ID
	Offset  int64 // of Payload's first byte, in the file or the control stream; below MaxFileBytes
	Payload []byte
}

// PutHeader writes the frame up to its payload into the first
// SegmentHeaderLen bytes of b.
func (s *Segment) PutHeader(b []byte) {
	_ = b[SegmentHeaderLen-1]
	b[0] = byte(FrameSegment)
	b[1] = s.Index
	if s.Repeat {
		b[1] |= segmentRepeat
	}
	b[2] = s.Count
	binary.BigEndian.PutUint16(b[3:], uint16(s.Channel))
	binary.BigEndian.PutUint16(b[5:], uint16(s.Burst))
	binary.BigEndian.PutUint32(b[7:], uint32(s.Request))
	binary.BigEndian.PutUint16(b[11:], uint16(s.Offset>>32))
	binary.BigEndian.PutUint32(b[13:], uint32(s.Offset))
}

// Append appends the frame to dst.
func (s *Segment) Append(dst []byte) []byte {
	var h [SegmentHeaderLen]byte
	s.PutHeader(h[:])
	return append(append(dst, h[:]...), s.Payload...)
}

// ParseSegment parses a segment frame; its Payload aliases b.
func ParseSegment(b []byte) (Segment, error) {
	if len(b) <= SegmentHeaderLen || FrameType(b[0]) != FrameSegment {
		return Segment{}, ErrMalformed
	}
	s := Segment{
		Index:   b[1] &^ segmentRepeat,
		Count:   b[2],
		Repeat:  b[1]&segmentRepeat != 0,
		Channel: Channel(binary.BigEndian.Uint16(b[3:])),
		Burst:   Burst(binary.BigEndian.Uint16(b[5:])),
		Request: ID(binary.BigEndian.Uint32(b[7:])),
		Offset:  int64(binary.BigEndian.Uint16(b[11:]))<<32 | int64(binary.BigEndian.Uint32(b[13:])),
		Payload: b[SegmentHeaderLen:],
	}
	if s.Count == 0 || s.Count > MaxBurst || s.Index >= s.Count || s.Channel >= MaxChannels ||
		s.Offset+int64(len(s.Payload)) > MaxFileBytes {
		return Segment{}, ErrMalformed
	}
	return s, nil
}
