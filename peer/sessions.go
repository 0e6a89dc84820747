package peer

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	// settleTime is how long the sessions beyond the first of each peer wait
	// for peers that have not answered, so that they can be spread over all.
	settleTime = 100 * time.Millisecond

	// extraBackoff is how long a peer that ended a further session is not asked
	// for another.
	extraBackoff = time.Second
)

// join makes a session known whose handshake is done.
func (f *Fetch) join(c *clientSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[c] = struct{}{}
	c.peer.sessions++
}

// leave forgets a session and gives its work to others, but for what has come.
func (f *Fetch) leave(c *clientSession) {
	c.salvage()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.show(c)
	p := c.peer
	p.past.add(c.shown)
	delete(f.sessions, c)
	p.sessions--
	if p.sessions == 0 && p.state == Live && !f.over {
		p.state = Silent
	}
	for _, x := range c.pieces {
		f.pool.put(x)
	}
	if c.joined {
		f.assign.Leave(c.id)
		delete(f.byID, c.id)
		c.joined = false
	}
	f.voiceless(p)
	f.activate()
	f.wakeAll()
}

// voiceless deals with a session of p falling silent or ending: if it was the
// last, p's word for its file's root is not waited for.
func (f *Fetch) voiceless(p *peerState) {
	if f.over {
		return
	}
	if !f.hasVoice(p) {
		f.agreement.gone(p.index)
	}
	f.follow()
}

// silent gives the work of a session to others.
func (f *Fetch) silent(c *clientSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := c.peer
	c.muted = true
	if !f.hasVoice(p) && p.state == Live {
		p.state = Silent
		f.log.Warn("peer is silent", zap.String("peer", p.Addr))
	}
	if c.joined {
		f.assign.Release(c.id)
	}
	f.voiceless(p)
	f.activate()
	f.wakeAll()
}

// hasVoice reports whether any session with p is not silent.
func (f *Fetch) hasVoice(p *peerState) bool {
	for c := range f.sessions {
		if c.peer == p && c.answered && !c.muted {
			return true
		}
	}
	return false
}

// revived takes a session that was silent back into service.
func (f *Fetch) revived(c *clientSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.muted = false
	if p := c.peer; c.answered && p.state == Silent {
		p.state = Live
		f.agreement.answered(p.index, p.answeredAs, p.size)
	}
	f.follow()
	f.activate()
}

func (f *Fetch) wakeAll() {
	for c := range f.sessions {
		c.wake()
	}
}

// wanted returns how many sessions the fetch should run: as many with each peer that is
// there or may be, and as near to defaultSessions as that comes, or one with each. Two
// that share a path have their last pieces later than one would.
func (f *Fetch) wanted() int {
	if f.opt.Sessions > 0 {
		return f.opt.Sessions
	}
	n := f.likelyPeers()
	return n * max(1, defaultSessions/n)
}

// likelyPeers returns how many peers are there or may be, at least one.
func (f *Fetch) likelyPeers() int {
	n := 0
	for _, p := range f.peers {
		if p.state == Live || p.state == Probing {
			n++
		}
	}
	return max(1, n)
}

// expectedPeers returns with how many peers sessions are going to be given work.
func (f *Fetch) expectedPeers() int { return min(f.wanted(), f.likelyPeers()) }

func (f *Fetch) livePeers() (n int) {
	for _, p := range f.peers {
		if p.state == Live {
			n++
		}
	}
	return n
}

// activate chooses which sessions are given work: the first of each peer, then
// the second of each, and so on, as many as are wanted.
func (f *Fetch) activate() {
	var all []*clientSession
	for c := range f.sessions {
		c.active = false
		if c.joined && !c.muted && c.peer.bad == nil && c.peer.state != Out {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *clientSession) int { return cmp.Compare(a.id, b.id) })
	ordinal := map[*peerState]int{}
	rank := make(map[*clientSession]int, len(all))
	for _, c := range all {
		rank[c] = ordinal[c.peer]
		ordinal[c.peer]++
	}
	slices.SortStableFunc(all, func(a, b *clientSession) int { return cmp.Compare(rank[a], rank[b]) })
	for i, c := range all {
		c.active = i < f.wanted()
	}
}

// balance opens further sessions with live peers until as many run as are
// wanted, and each peer has its share.
func (f *Fetch) balance() {
	live := f.livePeers()
	if live == 0 || !f.settled() {
		return
	}
	for {
		var least *peerState
		total := 0
		for _, p := range f.peers {
			if p.state != Live && p.state != Silent {
				continue
			}
			total += 1 + p.further
			if p.state == Live && p.bad == nil && p.size == f.size && time.Since(p.noExtra) >= extraBackoff && (least == nil || p.further < least.further) {
				least = p
			}
		}
		if least == nil || total >= f.wanted() && 1+least.further >= max(1, f.wanted()/live) {
			return
		}
		least.further++
		f.running.Go(func() { f.contain("a peer", func() { f.extra(least.ctx, least) }) })
	}
}

// settled reports whether the peers that will answer have had time to.
func (f *Fetch) settled() bool {
	waiting := false
	var first time.Time
	for _, p := range f.peers {
		waiting = waiting || p.state == Probing
		if !p.liveAt.IsZero() && (first.IsZero() || p.liveAt.Before(first)) {
			first = p.liveAt
		}
	}
	return !waiting || time.Since(first) >= settleTime
}

// extra runs one further session with p.
func (f *Fetch) extra(ctx context.Context, p *peerState) {
	err := f.runSession(ctx, p)
	f.mu.Lock()
	defer f.mu.Unlock()
	p.further--
	if err != nil {
		p.noExtra = time.Now()
		f.log.Info("further session over", zap.String("peer", p.Addr), zap.Error(err))
	}
}
