package proto

import "encoding/binary"

// MinHello is the length of the shortest Hello. Every path that IPv6 allows
// carries it (RFC 9000 section 14), and a HelloReply is far shorter (section 8.1).
const MinHello = 1200

// MaxCookie is the length of the longest cookie of a Retry, in bytes (arbitrary:
// a tag, a time and some room). A Retry is shorter than any Hello.
const MaxCookie = 64

const magic = "ckcp"

// Kind is the first byte of a datagram.
type Kind uint8

// The kinds of datagrams.
const (
	KindHello        Kind = 0x01
	KindHelloReply   Kind = 0x02
	KindFinish       Kind = 0x03
	KindRetry        Kind = 0x04
	KindVersions     Kind = 0x05
	KindClientSealed Kind = 0x20 // to 0x2f, by the phase
	KindServerSealed Kind = 0x30 // to 0x3f
)

// KindOf returns the kind of a datagram, which is not empty.
func KindOf(b []byte) Kind {
	k := Kind(b[0])
	if sealed := k &^ (Phases - 1); sealed == KindClientSealed || sealed == KindServerSealed {
		return sealed
	}
	return k
}

// Hello is a client's first message.
type Hello struct {
	Version uint16
	ID      HelloID
	Cookie  []byte // at most MaxCookie bytes
	Noise   []byte // at most 65,535 bytes
}

// Append appends h to dst, padded to MinHello bytes.
func (h *Hello) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, byte(KindHello))
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint16(dst, h.Version)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.ID))
	dst = append(dst, byte(len(h.Cookie)))
	dst = append(dst, h.Cookie...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Noise)))
	dst = append(dst, h.Noise...)
	if n := MinHello - (len(dst) - start); n > 0 {
		dst = append(dst, make([]byte, n)...)
	}
	return dst
}

// ParseHello parses a Hello of any version: for one other than Version only
// Version and ID are set. Cookie and Noise alias b.
func ParseHello(b []byte) (Hello, error) {
	r := reader{b: b}
	if len(b) < MinHello || Kind(r.u8()) != KindHello || string(r.take(len(magic))) != magic {
		return Hello{}, ErrMalformed
	}
	h := Hello{Version: r.u16(), ID: HelloID(r.u64())}
	if h.Version != Version {
		return h, nil
	}
	n := int(r.u8())
	if n > MaxCookie {
		return Hello{}, ErrMalformed
	}
	h.Cookie = r.take(n)
	h.Noise = r.take(int(r.u16()))
	if used := len(b) - len(r.b); len(b) != max(used, MinHello) {
		return Hello{}, ErrMalformed
	}
	for _, c := range r.rest() {
		if c != 0 {
			return Hello{}, ErrMalformed
		}
	}
	return h, r.end()
}

// Prologue returns what both sides of the handshake must agree on beforehand:
// the fields that a Hello has in every version, without its kind. The cookie is
// not one of them: a Hello repeated with a cookie is the same attempt.
func (h *Hello) Prologue() []byte {
	p := []byte(magic)
	p = binary.BigEndian.AppendUint16(p, h.Version)
	return binary.BigEndian.AppendUint64(p, uint64(h.ID))
}

// HelloReply answers a Hello.
type HelloReply struct {
	Version uint16
	ID      HelloID
	Noise   []byte
}

// Append appends h to dst.
func (h *HelloReply) Append(dst []byte) []byte {
	dst = append(dst, byte(KindHelloReply))
	dst = binary.BigEndian.AppendUint16(dst, h.Version)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.ID))
	return append(dst, h.Noise...)
}

// ParseHelloReply parses a HelloReply; its Noise aliases b.
func ParseHelloReply(b []byte) (HelloReply, error) {
	r := reader{b: b}
	if Kind(r.u8()) != KindHelloReply {
		return HelloReply{}, ErrMalformed
	}
	h := HelloReply{Version: r.u16(), ID: HelloID(r.u64()), Noise: r.rest()}
	return h, r.end()
}

// Finish is a client's third message of the handshake.
type Finish struct {
	Session SessionID
	Noise   []byte
}

// Append appends f to dst.
func (f *Finish) Append(dst []byte) []byte {
	dst = append(dst, byte(KindFinish))
	dst = appendUint48(dst, uint64(f.Session))
	return append(dst, f.Noise...)
}

// ParseFinish parses a Finish; its Noise aliases b.
func ParseFinish(b []byte) (Finish, error) {
	r := reader{b: b}
	if Kind(r.u8()) != KindFinish {
		return Finish{}, ErrMalformed
	}
	f := Finish{Session: SessionID(r.u48()), Noise: r.rest()}
	return f, r.end()
}
