package proto

// SealedHeaderLen is the length of a SealedHeader in bytes.
const SealedHeaderLen = 10

// tagLen is the length of AES-GCM's tag in bytes (RFC 5116 section 5.2).
const tagLen = 16

// Phases is what a key's phase is counted modulo: it is the low 4 bits of the kind.
const Phases = 16

// SealedHeader leads every sealed datagram; it is the AEAD's additional data.
type SealedHeader struct {
	Kind    Kind  // KindClientSealed or KindServerSealed
	Phase   uint8 // below Phases
	Session SessionID
	Number  PacketNumber // of which the header carries the low 24 bits: see Expand
}

// Append appends h to dst.
func (h SealedHeader) Append(dst []byte) []byte {
	dst = append(dst, byte(h.Kind)|h.Phase)
	dst = appendUint48(dst, uint64(h.Session))
	return append(dst, byte(h.Number>>16), byte(h.Number>>8), byte(h.Number))
}

// ParseSealed splits a sealed datagram; header and body, which ends in the tag,
// alias b. The header's number has only its low 24 bits.
func ParseSealed(b []byte) (h SealedHeader, header, body []byte, err error) {
	if len(b) < SealedHeaderLen+tagLen {
		return h, nil, nil, ErrMalformed
	}
	h = SealedHeader{
		Kind:    KindOf(b),
		Phase:   b[0] % Phases,
		Session: SessionID(uint48(b[1:])),
		Number:  PacketNumber(b[7])<<16 | PacketNumber(b[8])<<8 | PacketNumber(b[9]),
	}
	if h.Kind != KindClientSealed && h.Kind != KindServerSealed {
		return SealedHeader{}, nil, nil, ErrMalformed
	}
	return h, b[:SealedHeaderLen:SealedHeaderLen], b[SealedHeaderLen:], nil
}
