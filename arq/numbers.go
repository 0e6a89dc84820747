package arq

import "chunkcp/proto"

const (
	// skipSpan is the span within which the next number to be skipped lies: one
	// in half of it on average, 0.05 % of the numbers and nothing of the path.
	skipSpan = 4096

	// keptSkips is how many skipped numbers are remembered: those of some 32,768
	// datagrams, as far back as a peer's replay window reaches.
	keptSkips = 16

	// withholdSpan is the same as skipSpan for bursts of which a segment is
	// withheld: each ends a round trip late, one in 1,024 on average. None does at
	// the end of what is asked for: a piece that is late there is worth fetching from
	// another server, and then comes twice.
	withholdSpan = 2048
)

// numbers hands out packet numbers. Now and then it skips one, at a place that
// nobody can foresee: an acknowledgement that names it is a lie, told to be sent
// more than the path carries (RFC 9000, section 21.4).
type numbers struct {
	next    proto.PacketNumber
	random  func() uint64 // nil: nothing is skipped
	skipAt  proto.PacketNumber
	skipped [keptSkips]proto.PacketNumber // a ring
	skips   int
	bursts  uint64 // until the next of which a segment is withheld
}

func newNumbers(random func() uint64) numbers {
	n := numbers{random: random}
	if random != nil {
		n.skipAt = n.draw()
		n.bursts = random() % withholdSpan
	}
	return n
}

func (n *numbers) draw() proto.PacketNumber {
	return n.next + 1 + proto.PacketNumber(n.random()%skipSpan)
}

// take returns the first of count numbers in a row.
func (n *numbers) take(count int) proto.PacketNumber {
	if n.random != nil && n.next >= n.skipAt {
		n.skipped[n.skips%keptSkips] = n.next
		n.skips++
		n.next++
		n.skipAt = n.draw()
	}
	first := n.next
	n.next += proto.PacketNumber(count)
	return first
}

// unsent reports whether a datagram of this number has certainly not been sent.
func (n *numbers) unsent(pn proto.PacketNumber) bool {
	if pn >= n.next {
		return true
	}
	for _, s := range n.skipped[:min(n.skips, keptSkips)] {
		if s == pn {
			return true
		}
	}
	return false
}

// withhold returns the segment of a new burst that is not sent before all others
// have been acknowledged, for most bursts none. Acknowledgements tell segments by
// their place in the burst: who claims this one has not waited for it.
func (n *numbers) withhold(c *channel) {
	if n.random == nil || c.count < 2 {
		return
	}
	if n.bursts > 0 {
		n.bursts--
		return
	}
	n.bursts = n.random() % withholdSpan
	c.withheld = 1 << (n.random() % uint64(c.count))
}
