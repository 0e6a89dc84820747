package proto

import "encoding/binary"

// SealedHeaderLen is the length of a SealedHeader in bytes.
const SealedHeaderLen = 14

// tagLen is the length of AES-GCM's tag in bytes (RFC 5116 section 5.2).
const tagLen = 16

// SealedHeader leads every sealed datagram; it is the AEAD's additional data.
type SealedHeader struct {
	Kind    Kind // KindClientSealed or KindServerSealed
	Phase   uint8
	Session SessionID
	Number  PacketNumber // of which the header carries the low 32 bits: see Expand
}

// Append appends h to dst.
func (h SealedHeader) Append(dst []byte) []byte {
	dst = append(dst, byte(h.Kind), h.Phase)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.Session))
	return binary.BigEndian.AppendUint32(dst, uint32(h.Number))
}

// ParseSealed splits a sealed datagram; header and body, which ends in the tag,
// alias b. The header's number has only its low 32 bits.
func ParseSealed(b []byte) (h SealedHeader, header, body []byte, err error) {
	if len(b) < SealedHeaderLen+tagLen {
		return h, nil, nil, ErrMalformed
	}
	h = SealedHeader{
		Kind:    Kind(b[0]),
		Phase:   b[1],
		Session: SessionID(binary.BigEndian.Uint64(b[2:])),
		Number:  PacketNumber(binary.BigEndian.Uint32(b[10:])),
	}
	if h.Kind != KindClientSealed && h.Kind != KindServerSealed {
		return SealedHeader{}, nil, nil, ErrMalformed
	}
	return h, b[:SealedHeaderLen:SealedHeaderLen], b[SealedHeaderLen:], nil
}
