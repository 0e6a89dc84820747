package peer

import (
	"time"
)

// Snapshot is where a fetch stands.
type Snapshot struct {
	Name            string
	Total           int64  // bytes; -1 while not known
	Done            int64  // bytes of complete pieces, and of parts of those that are shared
	Resumed         int64  // bytes of those that were here before, so far
	Root            string // BLAKE3 hash that was agreed on, or pinned; "" while there is none
	Elapsed         time.Duration
	RateBytesPerSec float64
	Dropped         uint64       // datagrams that this host lost for want of socket buffer; of sessions that have ended
	Peers           []PeerStatus // in the order of the options
}

// PeerStatus is where a fetch stands with one peer.
type PeerStatus struct {
	Addr            string
	State           State
	Note            string // why it is down or out
	Sessions        int
	Bytes           int64 // of the file, that came from it
	RateBytesPerSec float64
	RTT             time.Duration // smoothed; 0 while not known
	Segments        uint64        // that came
	Repeated        uint64        // of those: sent again
}

// traffic is what one session, or all that a peer had, have received.
type traffic struct {
	bytes              int64
	segments, repeated uint64
}

func (t *traffic) add(o traffic) {
	t.bytes += o.bytes
	t.segments += o.segments
	t.repeated += o.repeated
}

// Snapshot returns where the fetch stands. Any goroutine may call it.
func (f *Fetch) Snapshot() Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Snapshot{Name: f.opt.Name, Total: f.size, Elapsed: time.Since(f.began), Dropped: f.dropped.Load()}
	if f.assign != nil {
		s.Done, s.Resumed = f.size-f.assign.Left(), f.recalled
	}
	if f.rooted {
		s.Root = f.root.Text()
	}
	for _, p := range f.peers {
		sum, rate := f.tally(p)
		s.RateBytesPerSec += rate
		s.Peers = append(s.Peers, PeerStatus{
			Addr: p.Addr, State: p.state, Note: p.note, Sessions: p.sessions, RTT: p.rtt, RateBytesPerSec: rate,
			Bytes: sum.bytes, Segments: sum.segments, Repeated: sum.repeated,
		})
	}
	return s
}

// tally returns what a peer has sent, and the rate at which it does.
func (f *Fetch) tally(p *peerState) (sum traffic, rateBytesPerSec float64) {
	sum = p.past
	for c := range f.sessions {
		if c.peer == p {
			sum.add(c.shown)
			if c.active {
				rateBytesPerSec += c.shownRate
			}
		}
	}
	return sum, rateBytesPerSec
}

// publish tells the fetch how a session does.
func (f *Fetch) publish(c *clientSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.show(c)
	if c.joined {
		f.assign.Measured(time.Now(), c.id, c.meter.Rate(), c.sender.Stats().SmoothedRTT, c.partial())
	}
}

func (f *Fetch) show(c *clientSession) {
	if c.placed > c.shown.bytes {
		f.moved = time.Now()
	}
	segments, _ := c.receiver.Received()
	c.shown = traffic{c.placed, segments, c.repeated}
	c.shownRate = c.meter.Rate()
	c.peer.rtt = c.sender.Stats().SmoothedRTT
}
