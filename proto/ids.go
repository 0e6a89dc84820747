package proto

// Version is the version of the protocol that this package speaks.
const Version = 2

// PacketNumber numbers the datagrams of one direction of a session. Each
// transmission, first or repeated, has its own.
type PacketNumber uint64

// Expand returns the packet number nearest to next of which n has the low 32
// bits, as a SealedHeader carries them (RFC 9000, appendix A.3). next is the one
// after the highest that has been opened.
func (n PacketNumber) Expand(next PacketNumber) PacketNumber {
	const half = 1 << 31
	apart := int32(uint32(n) - uint32(next)) // modulo 1<<32, from -half to half-1
	if apart < 0 && next < PacketNumber(-int64(apart)) {
		return next + PacketNumber(int64(apart)+2*half) // there is none below 0
	}
	return next + PacketNumber(int64(apart))
}

// SessionID names a session to its server: 64 random bits, never 0.
type SessionID uint64

// HelloID names one attempt of a client to open a session: 64 random bits.
type HelloID uint64

// ID is the client's number of an Open or a Get; 0 is the control stream.
type ID uint32

// Control is the request id of the control stream.
const Control ID = 0

// Channel is one stop-and-wait process of a session.
type Channel uint16

// MaxChannels is the number of channels a session can have. 4,096 bursts of 64
// segments of 1,400 bytes are 367 MB in flight: 10 Gbit/s over 290 ms.
const MaxChannels = 4096

// Burst counts the bursts of one channel, modulo 65,536. A channel has one
// burst outstanding, and datagrams older than the replay window never reach
// the layer that compares bursts, so that few bits are enough.
type Burst uint16

// Newer reports whether b comes after o, in serial number arithmetic (RFC 1982).
func (b Burst) Newer(o Burst) bool { return int16(b-o) > 0 }

// MaxBurst is the number of segments a burst can have: one bitmap of 64 bits,
// and what Linux before 6.9 takes in one call (UDP_MAX_SEGMENTS).
const MaxBurst = 64
