package proto

import "encoding/binary"

// maxVersions bounds the list of a Versions message (arbitrary).
const maxVersions = 16

// Versions tells a client which versions a server speaks. It is not
// authentic: a hint for an error message, never a reason to give up early.
type Versions struct {
	ID       HelloID
	Versions []uint16 // 1 to 16
}

// Append appends v to dst.
func (v *Versions) Append(dst []byte) []byte {
	dst = append(dst, byte(KindVersions))
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.ID))
	for _, n := range v.Versions {
		dst = binary.BigEndian.AppendUint16(dst, n)
	}
	return dst
}

// ParseVersions parses a Versions message.
func ParseVersions(b []byte) (Versions, error) {
	r := reader{b: b}
	if Kind(r.u8()) != KindVersions {
		return Versions{}, ErrMalformed
	}
	v := Versions{ID: HelloID(r.u64())}
	n := len(r.b)
	if n == 0 || n > 2*maxVersions {
		return Versions{}, ErrMalformed
	}
	v.Versions = make([]uint16, 0, n/2)
	for len(r.b) > 0 {
		v.Versions = append(v.Versions, r.u16())
	}
	return v, r.end()
}
