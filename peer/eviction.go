package peer

import (
	"errors"
	"net/netip"
	"time"

	"chunkcp/proto"
)

// errEvicted is why a session ends that has made room.
var errEvicted = errors.New("another client has its place")

// unusedTime is for how long a session may have brought its client nothing until
// it makes room for any other client, once a server has all sessions that it may
// have. Arbitrary: a fetch asks for more within seconds.
const unusedTime = idleTime

// evictionsPerSec and evictions are the rate, and the burst, at which sessions make
// room for others: to find one takes some 0.5 ms with 10,000 (BenchmarkMakeRoom), in
// which no session begins. The burst is a fetch with the most sessions.
const (
	evictionsPerSec = 100
	evictions       = MaxSessions
)

// seat gives h another session, or returns why it gets none. Call it with s.mu held.
func (s *server) seat(now time.Time, h holder) *proto.Close {
	refusal := s.quota.take(h.addr, h.key)
	if refusal != nil && refusal.Reason == allTaken && s.makeRoom(now, h.addr) {
		refusal = s.quota.take(h.addr, h.key)
	}
	return refusal
}

// makeRoom ends a session in favour of a newcomer and reports whether it did: the
// one that has been without use for longest, of the address that has most, if
// that has more than the newcomer's would have; else one that nobody uses, whoever
// has it.
func (s *server) makeRoom(now time.Time, newcomer netip.Addr) bool {
	if !s.quota.evictions.take(now) {
		return false
	}
	busiest, most := s.quota.busiest()
	if most <= s.quota.byAddr[newcomer]+1 {
		return s.evict(s.idlest(func(c *serverSession) bool { return now.Sub(c.lastUse()) >= unusedTime }))
	}
	return s.evict(s.idlest(func(c *serverSession) bool { return c.holder.addr == busiest }))
}

// idlest returns the session that was used longest ago of those that fit, nil if
// none does.
func (s *server) idlest(fits func(*serverSession) bool) (found *serverSession) {
	for _, c := range s.sessions {
		if !c.evicted.Load() && fits(c) && (found == nil || c.used.Load() < found.used.Load()) {
			found = c
		}
	}
	return found
}

// evict has a session end, if there is one. It counts no more.
func (s *server) evict(c *serverSession) bool {
	if c == nil {
		return false
	}
	s.quota.give(c.holder.addr, c.holder.key)
	c.evicted.Store(true)
	c.wakeUp()
	return true
}

// forget takes a session that has ended off the server's books.
func (s *server) forget(c *serverSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.id)
	if !c.evicted.Load() {
		s.quota.give(c.holder.addr, c.holder.key)
	}
}

// lastUse returns when the client last acknowledged something new, or when the
// session began.
func (c *serverSession) lastUse() time.Time { return time.Unix(0, c.used.Load()) }
