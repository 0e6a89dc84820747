package proto

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// MaxReason is the length in bytes of the longest reason of a Close or Failed.
const MaxReason = 255

// CloseCode says why a session ended.
type CloseCode uint16

// The codes of a Close.
const (
	CloseDone      CloseCode = 0 // the client wants nothing more
	CloseProtocol  CloseCode = 1 // the other side broke the protocol
	CloseShutdown  CloseCode = 2 // this program is ending
	CloseIdle      CloseCode = 3 // nothing was asked for too long
	CloseBusy      CloseCode = 4 // a limit is reached; try again later
	CloseForbidden CloseCode = 5 // this key is not served
	CloseInternal  CloseCode = 6 // a fault of the side that closes
)

func (c CloseCode) String() string {
	switch c {
	case CloseDone:
		return "done"
	case CloseProtocol:
		return "protocol violation"
	case CloseShutdown:
		return "shutting down"
	case CloseIdle:
		return "idle"
	case CloseBusy:
		return "busy"
	case CloseForbidden:
		return "forbidden"
	case CloseInternal:
		return "internal error"
	}
	return fmt.Sprintf("code %d", uint16(c))
}

// Close ends a session.
type Close struct {
	Code   CloseCode
	Reason string // cut to MaxReason bytes
}

// Append appends the frame to dst.
func (c *Close) Append(dst []byte) []byte {
	reason := cutReason(c.Reason)
	dst = append(dst, byte(FrameClose))
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Code))
	dst = append(dst, byte(len(reason)))
	return append(dst, reason...)
}

// ParseClose parses a close frame.
func ParseClose(b []byte) (Close, error) {
	r := reader{b: b}
	if FrameType(r.u8()) != FrameClose {
		return Close{}, ErrMalformed
	}
	c := Close{Code: CloseCode(r.u16())}
	c.Reason = string(r.take(int(r.u8())))
	return c, r.end()
}

// cutReason cuts s to MaxReason bytes, where it can between two characters.
func cutReason(s string) string {
	if len(s) <= MaxReason {
		return s
	}
	n := MaxReason
	for n > MaxReason-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// closeLen returns the length of the close frame at the front of b, more than
// len(b) if it is cut short.
func closeLen(b []byte) int {
	if len(b) < 4 {
		return 4
	}
	return 4 + int(b[3])
}
