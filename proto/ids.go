package proto

// Version is the version of the protocol that this package speaks.
const Version = 3

// PacketNumber numbers the datagrams of one direction of a session. Each
// transmission, first or repeated, has its own.
type PacketNumber uint64

// numberBits is how many of a packet number's bits a SealedHeader carries: those of
// 8 million datagrams that have not come, or come late.
const numberBits = 24

// Expand returns the packet number nearest to next of which n has the low 24
// bits, as a SealedHeader carries them (RFC 9000, appendix A.3). next is the one
// after the highest that has been opened.
func (n PacketNumber) Expand(next PacketNumber) PacketNumber {
	const shift = 64 - numberBits
	apart := int64(n-next) << shift >> shift // modulo 1<<numberBits, from minus half of it on
	if apart < 0 && next < PacketNumber(-apart) {
		return next + PacketNumber(apart+1<<numberBits) // there is none below 0
	}
	return next + PacketNumber(apart)
}

// SessionID names a session to its server: 48 random bits, never 0.
type SessionID uint64

// SessionIDBits is how many bits a SessionID has.
const SessionIDBits = 48

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

// Burst counts the bursts of one channel, modulo 4,096. A channel has one
// burst outstanding, and which of two came later is told by their packet numbers, so
// that few bits are enough.
type Burst uint16

const (
	burstBits = 12
	maxBurst  = 1<<burstBits - 1
)

// Next returns the burst after b.
func (b Burst) Next() Burst { return (b + 1) & maxBurst }

// Newer reports whether b comes after o, in serial number arithmetic (RFC 1982).
func (b Burst) Newer(o Burst) bool { return int16((b-o)<<(16-burstBits)) > 0 }

// MaxBurst is the number of segments a burst can have: one bitmap of 64 bits,
// and what Linux before 6.9 takes in one call (UDP_MAX_SEGMENTS).
const MaxBurst = 64
