package proto

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed reports bytes that are not a message of this protocol.
var ErrMalformed = errors.New("malformed message")

func appendUint48(dst []byte, v uint64) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(v>>32))
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}

// uint48 returns the number in the first 6 bytes of b.
func uint48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// reader takes fields off the front of a message. After the first field that
// is not there, bad is set and every further field is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.bad = nil, true
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if p := r.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u48() uint64 {
	if p := r.take(6); p != nil {
		return uint48(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// offset takes a file offset or size: 8 bytes, not above 2^63-1.
func (r *reader) offset() int64 {
	v := r.u64()
	if int64(v) < 0 {
		r.bad = true
		return 0
	}
	return int64(v)
}

// id takes the number of an Open or a Get, never that of the control stream.
func (r *reader) id() ID {
	v := ID(r.u32())
	if v == Control {
		r.bad = true
	}
	return v
}

// rest takes all that is left.
func (r *reader) rest() []byte { return r.take(len(r.b)) }

// end reports an error unless every field was there and nothing is left.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return ErrMalformed
	}
	return nil
}
