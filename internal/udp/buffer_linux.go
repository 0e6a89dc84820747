package udp

import "math/bits"

// What the kernel charges a socket's receive buffer for a datagram is the
// memory it lies in (skb->truesize), read back through SO_MEMINFO after sending
// one datagram over loopback (Linux 6.18, x86-64; IPv4 and IPv6 alike but for
// the last line):
//
//	payload    charged              payload    charged
//	0-100      832                  8,972      16,640
//	200-600    1,280                16,000     16,640 or 16,832
//	700-1,472  2,304                30,000     30,832
//	2,000      4,352                65,487     66,319
//	3,800      8,448                65,507     66,339 or 67,144
//
// That is the payload and up to 448 bytes of headers, rounded up to a power of
// two, and 256 for struct sk_buff; from 16 KiB on the payload lies in page
// fragments and costs itself and 832 to 1,637. A run that UDP_GRO delivers as
// one is charged its length and 832; the same run unmerged at most what its
// datagrams would be one by one.
//
// Drivers charge at least a 2,048-byte buffer, some (ena, xen-netfront) a page
// for each frame whatever its length, with up to 832 for the rest. Frames
// longer than 16 KiB come over loopback only, as nothing is fragmented.
const (
	headRoom    = 448      // headers, alignment and skb_shared_info, bytes
	skbOverhead = 832      // struct sk_buff and a small head, bytes
	minBlock    = 4096     // a page a frame
	maxLinear   = 16 << 10 // longest payload that lies in one block, bytes
	pagedExtra  = 4096     // charged beside a longer payload: 1,637 measured, rounded up to a page
)

// ReadBuffer implements Conn. It counts on 3/4 of SO_RCVBUF, as what has been
// read is uncharged only once it amounts to 1/4 (udp_rmem_release,
// forward_threshold). Not counted on is that the host may be so short of
// memory (net.ipv4.udp_mem) that it drops before any buffer is full.
func (s *socket) ReadBuffer(segment int) int {
	segment = max(1, segment)
	usable := s.received - s.received/4
	// The kernel takes at least one datagram into an empty queue.
	return max(1, usable/charge(segment)) * segment
}

// charge returns the most bytes of receive buffer that a datagram of n bytes
// takes.
func charge(n int) int {
	if n+headRoom > maxLinear {
		return n + pagedExtra
	}
	block := max(n+headRoom, minBlock)
	return 1<<bits.Len(uint(block-1)) + skbOverhead
}
