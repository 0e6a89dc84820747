package peer

import "sync"

// inboxLen is how many datagrams may wait for a session. Acknowledgements
// repeat each other, so that a lost one costs nothing.
const inboxLen = 256

// inbox holds the datagrams that wait for a session, in the order in which they
// came. It holds nothing while nothing waits, as ten thousand sessions may. Readers
// put, the session takes.
type inbox struct {
	commons *commons // of all inboxes of the server

	mu          sync.Mutex
	first, last *datagram
	len         int
	closed      bool
}

// fate is what became of a datagram that was to be put into an inbox.
type fate int

const (
	kept     fate = iota
	keptOnly      // and none was there before
	full          // the session does not keep up
	crowded       // the sessions of the server do not, and this one has its share
	ended         // nobody will take it
)

// put has a datagram wait, or says why it does not. The caller keeps what it may not
// put.
func (b *inbox) put(d *datagram) fate {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ended
	case b.len >= inboxLen:
		return full
	case b.len >= inboxShare && !b.commons.take(int64(b.len-inboxShare), 1):
		return crowded
	}
	b.len++
	if b.len == 1 {
		b.first, b.last = d, d
		return keptOnly
	}
	b.last.next = d
	b.last = d
	return kept
}

// take returns the datagram that has waited longest, nil if there is none.
func (b *inbox) take() *datagram {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.first
	if d == nil {
		return nil
	}
	b.first, d.next = d.next, nil
	b.len--
	if b.len >= inboxShare {
		b.commons.give(1)
	}
	return d
}

// close returns what waits still, linked by next, and takes no more.
func (b *inbox) close() (rest *datagram) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commons.give(int64(max(0, b.len-inboxShare)))
	rest = b.first
	b.first, b.last, b.len, b.closed = nil, nil, 0, true
	return rest
}
