package udp

import (
	"errors"
	"net/netip"
	"time"
)

// MaxRead is the length a Message's Buf must have: the kernel truncates a
// merged run silently when the buffer is shorter than the largest UDP payload.
const MaxRead = 65535

// ErrTooLong reports a write of datagrams longer than the path or the
// interface takes (EMSGSIZE). None of the datagrams can be relied on to have
// been sent; the caller lowers its datagram size and sends again.
var ErrTooLong = errors.New("datagram longer than the path takes")

// Message is one read: a run of datagrams from one sender, back to back in
// Buf[:N], each Segment bytes long but the last, which may be shorter.
type Message struct {
	Buf     []byte         // the caller's, MaxRead bytes long
	N       int            // bytes read
	Segment int            // bytes of each datagram; N for a single one, never 0 when N > 0
	Addr    netip.AddrPort // the sender, IPv4 addresses unmapped
}

// Conn is a UDP socket, connected or not, or a simulated one.
//
// Read is called by one goroutine at a time; all else by any number.
type Conn interface {
	// Read waits for datagrams and fills up to len(msgs) messages without
	// waiting again. It fails with os.ErrDeadlineExceeded at the read deadline
	// and with net.ErrClosed once the Conn is closed; any other error (a
	// refused port, say) says nothing of the datagrams to come, and Read can
	// be called again.
	Read(msgs []Message) (int, error)

	// Write sends buf as datagrams of segment bytes each, the last of which may
	// be shorter, in one call where the kernel can. A connected Conn ignores
	// addr. Datagrams may be lost without an error, as on any path.
	Write(buf []byte, segment int, addr netip.AddrPort) error

	// SetReadDeadline sets the time at which Read gives up, now for a Read
	// under way too. Zero means never.
	SetReadDeadline(t time.Time) error

	LocalAddr() netip.AddrPort

	// ReadBuffer returns how many bytes of payload the socket surely holds
	// unread before the kernel drops, for datagrams of segment bytes.
	ReadBuffer(segment int) int

	Stats() Stats
	Close() error
}

// Stats counts what a Conn did. The counts only grow; a call is one that
// moved datagrams, into the kernel or out of it.
type Stats struct {
	ReadCalls, ReadDatagrams, ReadBytes    uint64
	WriteCalls, WriteDatagrams, WriteBytes uint64
	Unsent                                 uint64 // datagrams given up for want of buffer (ENOBUFS)
	Dropped                                uint64 // what this host dropped for want of buffer (SO_RXQ_OVFL): datagrams, or merged runs while ReceiveOffload
	SegmentOffload, ReceiveOffload         bool   // UDP_SEGMENT and UDP_GRO in use now
}
