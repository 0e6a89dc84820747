package relay

import (
	"net/netip"

	"chunkcp/internal/udp"
)

// outlet is where datagrams leave the relay. Outlets are compared by address.
type outlet struct {
	conn  udp.Conn // guarded by the mutex of the line that sends by it
	addr  netip.AddrPort
	watch watcher
}

// batch gathers datagrams of one length for one outlet, which then take one
// write where the kernel splits runs.
type batch struct {
	to      *outlet
	segment int
	n       int  // bytes of buf
	short   bool // the last datagram is shorter, so no other can follow
	buf     [maxBatch]byte
}

// maxBatch is about the longest run of UDP_SEGMENT, 64 KiB.
const maxBatch = 64 << 10

// add appends a run of up to maxBatch bytes, or returns false: it does not go
// with what is there. An empty batch takes any.
func (b *batch) add(to *outlet, buf []byte, segment int) bool {
	if b.n == 0 {
		b.to, b.segment = to, segment
	}
	fits := b.to == to && !b.short && b.n+len(buf) <= len(b.buf) &&
		(segment == b.segment || len(buf) <= segment && len(buf) < b.segment)
	if !fits {
		return false
	}
	b.n += copy(b.buf[b.n:], buf)
	b.short = len(buf)%b.segment != 0
	return true
}

func (b *batch) reset() { b.to, b.n, b.short = nil, 0, false }

// datagrams returns how many a run of n bytes holds.
func datagrams(n, segment int) uint64 { return uint64((n + segment - 1) / segment) }
