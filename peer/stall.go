package peer

import (
	"time"

	"go.uber.org/zap"
)

// stallTime is how long nothing may come, though peers are alive, before the
// work is dealt anew. Arbitrary: several times within a Timeout.
const stallTime = 5 * time.Second

// unstick has a fetch go on that peers hold up which give signs of life and
// nothing else: they may have begun all the pieces that there is memory for, or
// lead and tell no hashes. What was leased is dealt anew, and another peer leads.
func (f *Fetch) unstick(now time.Time) {
	if f.size < 0 || f.over || f.writing > 0 {
		return
	}
	for _, since := range []time.Time{f.answered, f.moved, f.unstuck} {
		if now.Sub(since) < stallTime {
			return
		}
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
	if l := f.lead; l != nil && !(f.rooted && f.manifest.sealed(f.root)) {
		f.log.Info("the lead tells nothing", zap.String("peer", l.Addr))
		l.stalled = true
		if !f.sized {
			f.agreement.withdraw(l.index) // nor is a size worth anything that nothing comes of
		}
		f.pardon()
		f.follow()
	}
	f.activate()
	f.wakeAll()
}

// stuckFor returns how long the work has been dealt anew again and again, and not
// a piece came whole. A peer that sends the beginning of every range and then no
// more has bytes come each time, so that they tell nothing: what is dealt anew is
// lost. One that is slow has them come all the time.
func (f *Fetch) stuckFor(now time.Time) time.Duration {
	if f.stuck.IsZero() || now.Sub(f.unstuck) >= 2*stallTime {
		return 0
	}
	return now.Sub(f.stuck)
}
