package peer

import (
	"time"

	"go.uber.org/zap"
)

// stallTime is the least time for which nothing may come, though peers are alive, before
// the work is dealt anew. Arbitrary: several times within a Timeout.
const stallTime = 5 * time.Second

// stallsAfter returns that time: what is dealt anew takes a round trip to come at all. A peer
// that puts its answers off holds the others up for half a Timeout at most.
func (f *Fetch) stallsAfter() time.Duration {
	var longest time.Duration
	for _, p := range f.peers {
		if p.state == Live {
			longest = max(longest, p.rtt)
		}
	}
	return max(stallTime, min(3*longest, f.opt.Timeout/2))
}

// firstPatience is how long a size may hold up another one that is claimed,
// without a piece that is kept, the first time; it doubles each time. Arbitrary: a
// piece at 50 kB/s.
const firstPatience = 4 * stallTime

// unstick has a fetch go on that peers hold up which give signs of life and
// nothing else: they may have begun all the pieces that there is memory for, or
// lead and tell no hashes. What was leased is dealt anew, and another peer leads.
func (f *Fetch) unstick(now time.Time) {
	if f.size < 0 || f.over || f.beginning || f.writing > 0 || !f.nothingComes(now) && !f.outOfPatience(now) {
		return
	}
	f.unstuck = now
	if f.stuck.IsZero() {
		f.stuck = now
	}
	f.log.Info("nothing comes: the work is dealt anew")
	for _, p := range f.peers {
		if p.state == Live {
			f.dismiss(p)
		}
	}
	sealed := f.rooted && f.manifest.sealed(f.root)
	if l := f.lead; l != nil && !sealed {
		f.log.Info("the lead tells nothing", zap.String("peer", l.Addr))
		l.stalled = true
		f.pardon()
		f.follow()
	}
	if f.agreement.contested(f.size) && (f.lead == nil || f.lead.stalled || sealed) {
		f.agreement.passOver(f.size) // nor is a size worth anything that nothing comes of
		f.patience *= 2
		f.decideSize()
	}
	f.activate()
	f.wakeAll()
}

// stuckFor returns how long the work has been dealt anew again and again, and not
// a piece came whole. A peer that sends the beginning of every range and then no
// more has bytes come each time, so that they tell nothing: what is dealt anew is
// lost. One that is slow has them come all the time.
func (f *Fetch) stuckFor(now time.Time) time.Duration {
	if f.stuck.IsZero() || now.Sub(f.unstuck) >= 2*f.stallsAfter() {
		return 0
	}
	return now.Sub(f.stuck)
}

// nothingComes reports whether neither bytes nor hashes have come for long.
func (f *Fetch) nothingComes(now time.Time) bool {
	stall := f.stallsAfter()
	for _, since := range []time.Time{f.answered, f.moved, f.unstuck} {
		if now.Sub(since) < stall {
			return false
		}
	}
	return true
}

// outOfPatience reports whether a claimed size has kept another one waiting, and
// has brought no piece for too long. Hashes cost a liar nothing, nor do crumbs.
// Where all that is wanted is here, hashes are what is waited for, and they show
// which size it is.
func (f *Fetch) outOfPatience(now time.Time) bool {
	if !f.agreement.contested(f.size) || !f.assign.Wants() {
		return false
	}
	return now.Sub(f.kept) >= f.patience && now.Sub(f.unstuck) >= f.patience
}
