package arq

import "time"

const (
	// mtuTries is how often a size is probed before it counts as too long
	// (MAX_PROBES, RFC 8899 section 5.1.2).
	mtuTries = 3

	// mtuRetry is when sizes that failed are tried again after a black hole.
	// RFC 8899 has ten minutes; an outage looks the same as a black hole, and a
	// fetch that lives through one should not stay slow.
	mtuRetry = 5 * time.Second

	// blackHoleProbes is how many probe timeouts in a row make a path of more
	// than the base size suspect, blackHoleTime the least time that they take: on a
	// short path three are over before a busy host has looked.
	blackHoleProbes = 3
	blackHoleTime   = time.Second
)

// mtuSizes are the rungs of the ladder: the UDP payload that packets of usual
// sizes leave over IPv6 and over IPv4. 1,500 is Ethernet, 9,000 jumbo frames,
// 65,536 loopback.
var mtuSizes = [...]int{1452, 1472, 8952, 8972, 65487, 65507}

// PathMTU looks for the longest datagram that a path carries (RFC 8899). It
// probes all sizes at once, beside the first data: a round trip later the answer
// is known. Sizes are bytes of UDP payload.
type PathMTU struct {
	base    int // carried by every path
	limit   int // what the peer takes
	current int // known to be carried

	failed  int // the shortest that is not: too long for this host, or never answered
	tries   int
	due     time.Time // of the next probes; zero when there are none to come
	timeout time.Duration
	sending []int // probes to send now
	asked   uint  // bit i: mtuSizes[i] has been probed since the ladder began
}

// NewPathMTU returns a PathMTU for a path that carries base bytes, to a peer
// that takes limit. timeout is how long to wait for an answer.
func NewPathMTU(now time.Time, base, limit int, timeout time.Duration) *PathMTU {
	return &PathMTU{base: base, limit: limit, current: base, failed: limit + 1, due: now, timeout: timeout}
}

// Size returns the longest datagram that is known to be carried.
func (m *PathMTU) Size() int { return m.current }

// Poll returns the size of a probe to send now, false if there is none. The
// longest is first.
func (m *PathMTU) Poll(now time.Time) (size int, ok bool) {
	if len(m.sending) == 0 && !m.due.IsZero() && !now.Before(m.due) {
		m.round(now)
	}
	if len(m.sending) == 0 {
		return 0, false
	}
	size = m.sending[len(m.sending)-1]
	m.sending = m.sending[:len(m.sending)-1]
	for i, s := range mtuSizes {
		if s == size {
			m.asked |= 1 << i
		}
	}
	return size, true
}

// round begins another round of probes.
func (m *PathMTU) round(now time.Time) {
	m.due = time.Time{}
	if m.tries == mtuTries {
		return
	}
	for _, size := range mtuSizes {
		if size > m.current && size < m.failed {
			m.sending = append(m.sending, size)
		}
	}
	if len(m.sending) > 0 {
		m.tries++
		m.due = now.Add(m.timeout)
	}
}

// Confirm notes that a probe of this size has been answered. It reports whether
// Size has grown.
func (m *PathMTU) Confirm(size int) bool {
	if size <= m.current || size >= m.failed {
		return false
	}
	for i, s := range mtuSizes {
		if s == size && m.asked>>i&1 == 1 {
			m.current = size
			return true
		}
	}
	return false
}

// TooLong notes that this host refuses datagrams of this size. It reports
// whether Size has shrunk.
func (m *PathMTU) TooLong(now time.Time, size int) bool {
	m.failed = min(m.failed, size)
	keep := m.sending[:0]
	for _, s := range m.sending {
		if s < m.failed {
			keep = append(keep, s)
		}
	}
	m.sending = keep
	if m.current < m.failed || m.current == m.base {
		return false
	}
	m.current = m.base
	m.tries, m.due = 0, now // what is between the two has not been tried
	return true
}

// BlackHole notes that nothing is heard any more: it may be the size. It
// reports whether Size has shrunk; the ladder is tried again after a while.
func (m *PathMTU) BlackHole(now time.Time) bool {
	if m.current == m.base {
		return false
	}
	m.current, m.failed, m.tries = m.base, m.limit+1, 0
	m.asked = 0 // answers on their way are of the path before
	m.due = now.Add(mtuRetry)
	return true
}

// NextTimeout returns when Poll has probes to send, zero for never.
func (m *PathMTU) NextTimeout() time.Time { return m.due }
