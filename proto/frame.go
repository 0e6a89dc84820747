package proto

import "encoding/binary"

// FrameType is the first byte of a frame.
type FrameType uint8

// The types of frames.
const (
	FramePadding FrameType = 0x00
	FrameAck     FrameType = 0x01
	FrameClose   FrameType = 0x03

	FrameMTUProbe FrameType = 0x04
	FrameMTUReply FrameType = 0x05

	FrameKEMKey  FrameType = 0x06
	FrameKEMText FrameType = 0x07

	FramePathChallenge FrameType = 0x08
	FramePathResponse  FrameType = 0x09

	FrameSegment FrameType = 0x40 // to 0x7f, by the segment's index

	frameExtension FrameType = 0x80 // and above

	segmentIndex = 1<<6 - 1 // the bits of a segment's type that are its index
)

// NextFrame splits the first frame that this version knows off b, past padding
// and extensions. At the end of b its frame is nil. Frame and rest alias b.
func NextFrame(b []byte) (t FrameType, frame, rest []byte, err error) {
	for len(b) > 0 {
		t := FrameType(b[0])
		var n int
		switch {
		case t == FramePadding:
			b = b[1:]
			continue
		case t == FrameAck:
			n = ackLen(b)
		case t&^segmentIndex == FrameSegment:
			t, n = FrameSegment, len(b)
		case t == FrameClose:
			n = closeLen(b)
		case t == FrameMTUProbe || t == FrameMTUReply:
			n = mtuLen
		case t == FrameKEMKey:
			n = 1 + KEMKeyLen
		case t == FrameKEMText:
			n = 1 + KEMTextLen
		case t == FramePathChallenge || t == FramePathResponse:
			n = 1 + PathDataLen
		case t >= frameExtension && len(b) >= 3:
			n = 3 + int(binary.BigEndian.Uint16(b[1:]))
		default:
			return t, nil, nil, ErrMalformed
		}
		if n > len(b) {
			return t, nil, nil, ErrMalformed
		}
		if t < frameExtension {
			return t, b[:n:n], b[n:], nil
		}
		b = b[n:]
	}
	return 0, nil, nil, nil
}
