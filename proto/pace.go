package proto

import "encoding/binary"

// Manner is how a server is to share the path with others.
type Manner uint8

// The manners of a Pace.
const (
	Fair       Manner = 0 // takes its part
	Background Manner = 1 // uses what others leave
)

// Pace says how fast a server may send to this client, in all sessions of its
// fetch, and in which manner. The last one counts.
type Pace struct {
	Manner      Manner
	BytesPerSec int64 // of file bytes, at least 1; Unlimited: as fast as the path allows
}

// Unlimited is the rate of a Pace that does not limit.
const Unlimited = 1<<63 - 1

// Append appends the message to dst.
func (m *Pace) Append(dst []byte) []byte {
	dst = append(dst, byte(MessagePace))
	dst = binary.BigEndian.AppendUint16(dst, 9)
	dst = append(dst, byte(m.Manner))
	return binary.BigEndian.AppendUint64(dst, uint64(m.BytesPerSec))
}
