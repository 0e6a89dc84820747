package peer

import (
	"time"

	"chunkcp/arq"
	"chunkcp/proto"
)

// pace has all sessions of a path send as the client asks. The manner is chosen
// before the first byte: a controller knows what is in flight.
func (m *pathMember) pace(p *proto.Pace) {
	x := m.path
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked = p
	if p.Manner == proto.Background && !x.modest && x.total == 0 && x.limit == nil {
		x.cc, x.modest = arq.NewBackground(x.segment), true
	}
	switch {
	case x.limit != nil:
		x.limit.SetRate(float64(p.BytesPerSec))
	case p.BytesPerSec < proto.Unlimited:
		x.limit = arq.NewRateLimit(x.cc, float64(p.BytesPerSec), x.segment)
		x.cc = x.limit
	}
}

// asked returns how the client has asked for it last, nil if it has not.
func (m *pathMember) asked() *proto.Pace {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	return m.path.asked
}

// paceInterval is how often a limit is divided anew among the peers (arbitrary:
// what one does not use another has soon).
const paceInterval = time.Second / 2

// roomToGrow is how much more than it has a peer may have that does not use its
// part of a limit (arbitrary).
const roomToGrow = 1.2

// Under a limit no datagram is longer than what may come in limitGrain, or one of them
// could be all that comes for seconds; those of Ethernet's packets are not
// forgone for it (both arbitrary).
const (
	limitGrain       = time.Second / 50
	ethernetDatagram = 1472
)

// pacer divides a fetch's limit among its peers. It is guarded by Fetch.mu.
type pacer struct {
	at time.Time // when it was divided last
}

// paces reports whether peers are to be told how to send.
func (f *Fetch) paces() bool { return f.opt.LimitRate > 0 || f.opt.Background }

// longestDatagram returns how long a datagram servers may send, in bytes.
func (f *Fetch) longestDatagram() uint16 {
	if f.opt.LimitRate <= 0 {
		return maxServerDatagram
	}
	grain := float64(f.opt.LimitRate) * limitGrain.Seconds()
	return uint16(min(max(ethernetDatagram, grain), maxServerDatagram))
}

// firstPace returns what a peer is told before it has a rate: an even part.
func (f *Fetch) firstPace(p *peerState) *proto.Pace {
	if p.limit == 0 {
		n := 0
		for _, o := range f.peers {
			if o.state != Out {
				n++
			}
		}
		p.limit = float64(f.opt.LimitRate) / float64(max(1, n))
	}
	return f.paceOf(p)
}

func (f *Fetch) paceOf(p *peerState) *proto.Pace {
	m := &proto.Pace{BytesPerSec: proto.Unlimited}
	if f.opt.Background {
		m.Manner = proto.Background
	}
	if f.opt.LimitRate > 0 {
		m.BytesPerSec = max(1, int64(p.limit))
	}
	return m
}

// repace divides the limit anew, and tells the peers whose part has changed.
func (f *Fetch) repace(now time.Time) {
	if f.opt.LimitRate <= 0 || now.Sub(f.pacer.at) < paceInterval {
		return
	}
	f.pacer.at = now
	var live []*peerState
	var wants []float64
	for _, p := range f.peers {
		if p.state != Live || p.bad != nil {
			continue
		}
		want := float64(f.opt.LimitRate)
		if _, rate := f.tally(p); rate > 0 && rate < p.limit/roomToGrow {
			want = roomToGrow * rate
		}
		live, wants = append(live, p), append(wants, want)
	}
	for i, part := range parts(float64(f.opt.LimitRate), wants) {
		p := live[i]
		if part == p.limit {
			continue
		}
		p.limit = part
		for c := range f.sessions {
			if c.peer == p && c.answered {
				c.order(func(o *orders) { o.pace = f.paceOf(p) })
				break // one tells it for all
			}
		}
	}
}

// parts divides total so that nobody has more than it wants, and those who want
// more than an even part have as much as each other. What nobody wants is divided
// evenly on top: what is wanted is a guess.
func parts(total float64, wants []float64) []float64 {
	out := make([]float64, len(wants))
	open := len(wants)
	for open > 0 {
		even, satisfied := total/float64(open), false
		for i, want := range wants {
			if out[i] == 0 && want <= even {
				out[i] = max(1, want)
				total -= out[i]
				open--
				satisfied = true
			}
		}
		if satisfied {
			continue
		}
		for i := range wants {
			if out[i] == 0 {
				out[i] = even
			}
		}
		return out
	}
	for i := range out {
		out[i] += total / float64(len(out))
	}
	return out
}
