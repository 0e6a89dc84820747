package netsim

import (
	"math/bits"
	"net/netip"
)

// packet is a datagram under way or unread.
type packet struct {
	link     *link
	from, to netip.AddrPort
	payload  []byte
}

// packetPool keeps packets for reuse, by the power of two that their buffers
// hold: class k serves payloads shorter than 1<<k.
type packetPool struct {
	free [maxClass + 1][]*packet
}

const (
	maxClass = 16 // 1<<16 is more than any UDP payload
	minClass = 7  // arbitrary: acknowledgements and handshakes share a class
)

// get returns a packet with a payload of n bytes of any content.
func (pool *packetPool) get(n int) *packet {
	class := max(minClass, bits.Len(uint(n)))
	idle := pool.free[class]
	if len(idle) == 0 {
		return &packet{payload: make([]byte, n, 1<<class)}
	}
	p := idle[len(idle)-1]
	pool.free[class] = idle[:len(idle)-1]
	p.payload = p.payload[:n]
	return p
}

func (pool *packetPool) put(p *packet) {
	class := bits.Len(uint(cap(p.payload))) - 1
	pool.free[class] = append(pool.free[class], p)
}
