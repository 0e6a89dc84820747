package netsim

import "chunkcp/internal/udp"

const (
	// What an unread datagram costs beside its payload: struct sk_buff and
	// struct skb_shared_info on 64-bit Linux (SKB_TRUESIZE in linux/skbuff.h).
	bufferOverhead = 256 + 320
	// The most datagrams that Linux merges (UDP_GRO_CNT_MAX in net/ipv4/udp_offload.c).
	maxMerged = 64
)

// inbox holds a socket's unread datagrams, in order, within a limit.
type inbox struct {
	limit int // bytes, overhead included
	used  int
	queue []*packet // those before head are read
	head  int
}

func (b *inbox) empty() bool { return b.head == len(b.queue) }

// push keeps p, unless there is no room for it.
func (b *inbox) push(p *packet) bool {
	cost := len(p.payload) + bufferOverhead
	if b.used+cost > b.limit {
		return false
	}
	b.used += cost
	if len(b.queue) == cap(b.queue) && b.head > len(b.queue)/2 {
		b.queue = append(b.queue[:0], b.queue[b.head:]...)
		b.head = 0
	}
	b.queue = append(b.queue, p)
	return true
}

// pop returns the first datagram; there must be one.
func (b *inbox) pop() *packet {
	p := b.queue[b.head]
	b.queue[b.head] = nil
	b.head++
	b.used -= len(p.payload) + bufferOverhead
	return p
}

// fill moves the first datagram into m and, if merge is set, those that follow
// it for as long as UDP_GRO could have merged them: one sender, one length but
// for a shorter last. It hands each packet to recycle. A buffer that is too
// short truncates silently, as in the kernel.
func (b *inbox) fill(m *udp.Message, merge bool, recycle func(*packet)) (datagrams, bytes int) {
	first := b.queue[b.head]
	segment := len(first.payload)
	m.Addr, m.N = first.from, 0
	for {
		p := b.pop()
		last := len(p.payload)
		m.N += copy(m.Buf[m.N:], p.payload)
		datagrams++
		bytes += last
		recycle(p)
		if !merge || datagrams == maxMerged || last < segment || b.empty() {
			break
		}
		next := b.queue[b.head]
		n := len(next.payload)
		if next.from != m.Addr || n == 0 || n > segment || bytes+n > udp.MaxRead {
			break
		}
	}
	m.Segment = min(segment, m.N)
	return datagrams, bytes
}

// room is how many payload bytes an empty inbox surely holds in datagrams of
// segment bytes.
func (b *inbox) room(segment int) int {
	return b.limit / (segment + bufferOverhead) * segment
}
