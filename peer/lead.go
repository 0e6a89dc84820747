package peer

import (
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/tree"
)

// follow makes sure that somebody tells the hashes of the pieces who can be
// expected to know them.
func (f *Fetch) follow() {
	if f.size < 0 || f.over || f.rooted && f.manifest.sealed(f.root) {
		return
	}
	best := f.bestLead()
	if best == nil {
		best = f.pardon()
	}
	if best == nil {
		return
	}
	if best != f.lead {
		if f.lead != nil {
			f.log.Info("another peer leads", zap.String("peer", best.Addr), zap.String("before", f.lead.Addr))
			f.manifest.follow()
			f.pardon()
		}
		f.lead, f.asked, f.reign = best, nil, time.Now()
	}
	if c := f.asked; c != nil && c.joined && !c.muted {
		return
	}
	f.asked = nil
	for c := range f.sessions {
		if c.peer == best && c.joined && !c.muted && (f.asked == nil || c.id < f.asked.id) {
			f.asked = c
		}
	}
	if f.asked != nil {
		f.asked.order(func(o *orders) { o.tree = true })
	}
}

// bestLead returns who should tell the hashes: one that has not failed to, the
// lead as long as it can, else one that knows the whole tree, else the first in
// the config; nil if nobody can.
func (f *Fetch) bestLead() (best *peerState) {
	most := -1
	for _, p := range f.peers {
		if !f.mayLead(p) {
			continue
		}
		fit := 0
		if !p.stalled {
			fit += 4
		}
		if p == f.lead && (p.rooted || !f.rooted) {
			fit += 2
		}
		if p.rooted {
			fit++
		}
		if fit > most {
			best, most = p, fit
		}
	}
	return best
}

// mayLead reports whether a peer can be expected to know the hashes of the file.
// That it differs from a lead is held against it only until it has told the root
// that was agreed on: the lead may be wrong.
func (f *Fetch) mayLead(p *peerState) bool {
	return p.state == Live && (p.bad == nil || f.knows(p)) && p.size == f.size && f.hasVoice(p) &&
		(!f.rooted || !p.rooted || p.root == f.root)
}

// knows reports whether a peer says that it knows all of the file.
func (f *Fetch) knows(p *peerState) bool { return f.rooted && p.rooted && p.root == f.root }

// relieve has another peer lead where the lead has not told all hashes in time,
// though somebody else says that he can. Each has the same time in a round, and
// twice as much in the next: who keeps the others out by telling a hash now and
// then, of the right root or none, does so for no longer.
func (f *Fetch) relieve(now time.Time) {
	l := f.lead
	if l == nil || now.Sub(f.reign) < f.reignTime()<<min(l.late, maxLate) {
		return
	}
	others, fresh := false, false
	for _, p := range f.peers {
		if p != l && f.mayLead(p) {
			others = others || f.knows(p)
			fresh = fresh || !p.stalled
		}
	}
	if !others {
		return
	}
	f.log.Info("the lead takes too long", zap.String("peer", l.Addr))
	for _, p := range f.peers {
		p.stalled = p.stalled && fresh // else another round begins
	}
	l.late++
	l.stalled = true
	f.follow()
}

// reignTime returns how long who knows the hashes may take to tell them: some
// 8 Mbit/s, and a while to begin. Arbitrary.
func (f *Fetch) reignTime() time.Duration {
	return f.stallsAfter() + time.Duration(min(tree.Pieces(f.size)/32768, 3600))*time.Second
}

// maxLate bounds how often that doubles: to an hour and a half. Arbitrary.
const maxLate = 10

// pardon gives the peers that differed from a lead another chance, now that
// another leads, and returns one of them that can lead itself.
func (f *Fetch) pardon() (best *peerState) {
	for _, p := range f.peers {
		if p.bad == nil {
			continue
		}
		p.bad, p.note = nil, ""
		if best == nil && f.mayLead(p) {
			best = p
		}
	}
	f.activate()
	f.wakeAll()
	return best
}
