package proto

import "encoding/binary"

const mtuLen = 3

// MTUProbe fills a datagram with padding up to Size, to learn whether the path
// carries it (RFC 8899).
type MTUProbe struct {
	Size uint16 // of the whole datagram: bytes of UDP payload
}

// Append appends the frame to dst, without the padding.
func (p *MTUProbe) Append(dst []byte) []byte { return appendMTU(dst, FrameMTUProbe, p.Size) }

// MTUReply answers an MTUProbe.
type MTUReply struct {
	Size uint16 // of the datagram that came: bytes of UDP payload
}

// Append appends the frame to dst.
func (p *MTUReply) Append(dst []byte) []byte { return appendMTU(dst, FrameMTUReply, p.Size) }

func appendMTU(dst []byte, t FrameType, size uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, byte(t)), size)
}

// ParseMTUProbe parses an MTU probe frame.
func ParseMTUProbe(b []byte) (MTUProbe, error) {
	size, err := parseMTU(b, FrameMTUProbe)
	return MTUProbe{size}, err
}

// ParseMTUReply parses an MTU reply frame.
func ParseMTUReply(b []byte) (MTUReply, error) {
	size, err := parseMTU(b, FrameMTUReply)
	return MTUReply{size}, err
}

func parseMTU(b []byte, t FrameType) (uint16, error) {
	r := reader{b: b}
	if FrameType(r.u8()) != t {
		return 0, ErrMalformed
	}
	size := r.u16()
	return size, r.end()
}
