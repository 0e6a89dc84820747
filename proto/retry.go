package proto

import "encoding/binary"

// Retry asks a client to send its Hello again with the cookie: it comes from a
// server that keeps nothing for an address that may be forged. It is not
// authentic; the most that a forged one does is to have a Hello sent once more.
type Retry struct {
	ID     HelloID
	Cookie []byte // 1 to MaxCookie bytes
}

// Append appends r to dst.
func (r *Retry) Append(dst []byte) []byte {
	dst = append(dst, byte(KindRetry))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.ID))
	return append(dst, r.Cookie...)
}

// ParseRetry parses a Retry; its Cookie aliases b.
func ParseRetry(b []byte) (Retry, error) {
	r := reader{b: b}
	if Kind(r.u8()) != KindRetry {
		return Retry{}, ErrMalformed
	}
	m := Retry{ID: HelloID(r.u64()), Cookie: r.rest()}
	if n := len(m.Cookie); n == 0 || n > MaxCookie {
		return Retry{}, ErrMalformed
	}
	return m, r.end()
}
