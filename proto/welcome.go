package proto

import (
	"encoding/binary"
	"math"
	"time"
)

// WelcomeLen is the length of a Welcome in bytes.
const WelcomeLen = 16

// Welcome is what each side of a session tells the other in the handshake.
type Welcome struct {
	Session     SessionID // from a client: what all sessions of its fetch have in common
	Credit      uint32    // bytes that the writer takes in flight
	MaxDatagram uint16    // the longest UDP payload that the writer takes, in bytes

	// RTT is what the writer has measured of the round trip, in whole
	// microseconds; 0 if it has not.
	RTT time.Duration
}

// Append appends w to dst.
func (w *Welcome) Append(dst []byte) []byte {
	dst = appendUint48(dst, uint64(w.Session))
	dst = binary.BigEndian.AppendUint32(dst, w.Credit)
	dst = binary.BigEndian.AppendUint16(dst, w.MaxDatagram)
	return binary.BigEndian.AppendUint32(dst, uint32(min(w.RTT.Microseconds(), math.MaxUint32)))
}

// ParseWelcome parses the Welcome at the front of b and returns what follows it.
func ParseWelcome(b []byte) (w Welcome, rest []byte, err error) {
	r := reader{b: b}
	w = Welcome{Session: SessionID(r.u48()), Credit: r.u32(), MaxDatagram: r.u16()}
	w.RTT = time.Duration(r.u32()) * time.Microsecond
	if r.bad {
		return Welcome{}, nil, ErrMalformed
	}
	return w, r.b, nil
}
