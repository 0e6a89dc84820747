package peer

import (
	"net/netip"
	"sync"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// pathKey names what shares a path: the sessions of one fetch with this server.
type pathKey struct {
	client secure.PublicKey
	fetch  uint64 // the client's word for it
	addr   netip.Addr
}

// paths couples the sessions of a fetch: they share one congestion controller,
// as the flows of a host pair do under RFC 3124, so that n sessions take one share
// of a bottleneck, and each begins with what the others know of it.
type paths struct {
	mu     sync.Mutex
	byKey  map[pathKey]*path
	known  knownPaths
	limits Limits
}

func newPaths(limits Limits) *paths {
	return &paths{byKey: map[pathKey]*path{}, known: knownPaths{}, limits: limits}
}

// path is one congestion controller and the sessions that share it.
type path struct {
	mu      sync.Mutex
	cc      arq.Controller
	members map[*pathMember]struct{}
	segment int            // bytes
	limit   *arq.RateLimit // over the controller; nil: none was asked for
	asked   *proto.Pace    // what the client has asked for last; nil: nothing
	modest  bool           // it uses what others leave
	total   int            // bytes in flight
	limited int            // members that have nothing to send
}

// pathMember is a session's view of its path: an arq.Controller whose window is
// what the others leave of the whole.
type pathMember struct {
	key      pathKey
	path     *path
	leave    func()
	inFlight int
	limited  bool
}

// ends returns the two ends of the path.
func (k pathKey) ends() knownPathKey { return knownPathKey{k.client, k.addr} }

// shared reports whether another fetch uses the path that key names.
func (p *paths) shared(key pathKey) bool {
	for other := range p.byKey {
		if other.ends() == key.ends() && other != key {
			return true
		}
	}
	return false
}

// join returns a member of the path that key names, whose round trip is about rtt, or
// longest if an answer was overtaken by its repeat. It begins with what was known of the
// path before, unless another fetch uses that now.
func (p *paths) join(key pathKey, rtt, longest time.Duration) *pathMember {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.byKey[key]
	if x == nil {
		x = &path{
			cc: p.limits.controller(baseSegment, rtt, random64()), segment: baseSegment,
			members: map[*pathMember]struct{}{},
		}
		if known, ok := p.known.get(key.ends(), time.Now()); ok && !p.shared(key) {
			resume(x.cc, known, longest)
		}
		p.byKey[key] = x
	}
	m := &pathMember{key: key, path: x}
	x.mu.Lock()
	x.members[m] = struct{}{}
	x.mu.Unlock()
	m.leave = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if x.remove(m) == 0 {
			delete(p.byKey, key)
			p.known.put(key.ends(), x.cc, time.Now())
		}
	}
	return m
}

// remove forgets a member and returns how many are left.
func (x *path) remove(m *pathMember) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.members, m)
	if m.limited {
		x.limited--
	}
	if m.inFlight > 0 {
		x.cc.OnRecall(m.inFlight)
		x.add(m, -m.inFlight)
	}
	return len(x.members)
}

// add changes what a member has in flight.
func (x *path) add(m *pathMember, bytes int) {
	m.inFlight += bytes
	x.total += bytes
}

// Window implements arq.Controller.
func (m *pathMember) Window() int {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	return max(0, m.path.cc.Window()-(m.path.total-m.inFlight))
}

// PacingRate implements arq.Controller: that of all members together.
func (m *pathMember) PacingRate() float64 {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	return m.path.cc.PacingRate()
}

// SendAt implements arq.Controller: whoever comes first sends.
func (m *pathMember) SendAt(now time.Time) time.Time {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	return m.path.cc.SendAt(now)
}

// SetSegment implements arq.Controller.
func (m *pathMember) SetSegment(bytes int) {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	m.path.segment = bytes
	m.path.cc.SetSegment(bytes)
}

// OnSend implements arq.Controller.
func (m *pathMember) OnSend(now time.Time, bytes int) arq.Delivery {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	m.path.add(m, bytes)
	return m.path.cc.OnSend(now, bytes)
}

// OnAck implements arq.Controller.
func (m *pathMember) OnAck(now time.Time, a arq.AckSample) {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	a.InFlight = m.path.total
	m.path.add(m, a.Unlost-a.Bytes)
	m.path.cc.OnAck(now, a)
}

// OnLoss implements arq.Controller.
func (m *pathMember) OnLoss(now time.Time, l arq.LossSample) {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	m.path.add(m, -l.Bytes)
	m.path.cc.OnLoss(now, l)
}

// OnRecall implements arq.Controller.
func (m *pathMember) OnRecall(bytes int) {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	m.path.add(m, -bytes)
	m.path.cc.OnRecall(bytes)
}

// OnSilence implements arq.Controller.
func (m *pathMember) OnSilence(now time.Time) {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	m.path.cc.OnSilence(now)
}

// SetLimited implements arq.Controller: the path is not used to the full only
// when no member has more to send.
func (m *pathMember) SetLimited(limited bool) bool {
	x := m.path
	x.mu.Lock()
	defer x.mu.Unlock()
	if limited != m.limited {
		m.limited = limited
		if limited {
			x.limited++
		} else {
			x.limited--
		}
	}
	return x.cc.SetLimited(x.limited == len(x.members))
}

// Phase implements arq.Controller.
func (m *pathMember) Phase() string {
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	return m.path.cc.Phase()
}
