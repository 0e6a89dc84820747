package peer

import "go.uber.org/zap"

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
		f.lead, f.asked = best, nil
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

func (f *Fetch) mayLead(p *peerState) bool {
	return p.state == Live && p.bad == nil && p.size == f.size && f.hasVoice(p) &&
		(!f.rooted || !p.rooted || p.root == f.root)
}

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
