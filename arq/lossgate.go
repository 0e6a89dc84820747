package arq

import "time"

const (
	// congestionLoss is the share of loss in a round, beyond that by chance, below
	// which nothing is judged (BBR's LossThresh, draft-ietf-ccwg-bbr-03 section
	// 2.7); heavyLoss the share beyond what is proven to be by chance above which no more
	// evidence is asked for: a policer drops without a queue.
	congestionLoss = 0.02
	heavyLoss      = 0.15

	// randomWeight is the part of a round in the smoothed share of random loss,
	// maxRandom the most that is made up for (both arbitrary).
	randomWeight = 0.1
	maxRandom    = 0.5
)

// lossGate tells loss by congestion from loss by chance. Loss alone does not
// tell; it counts as congestion if in the same round the round trip showed a
// queue, or the rate stopped growing under a probe, or if it is heavy and not proven to be by
// chance (see trial).
type lossGate struct {
	lostNow int     // bytes in the round under way
	random  float64 // smoothed share of what is lost by chance
	proven  float64 // a share that a trial has shown to be, 0 if none has
}

func (g *lossGate) lost(bytes int) { g.lostNow += bytes }

func (g *lossGate) acked(a AckSample) { g.lostNow = max(0, g.lostNow-a.Unlost) }

// queued reports whether a round trip shows a queue.
func queued(rtt, minRTT time.Duration) bool {
	return rtt > minRTT+minRTT/4+time.Millisecond
}

// crowded reports whether a round trip shows even a little of a queue: then loss may be that
// queue's, and is not made up for.
func crowded(rtt, minRTT time.Duration) bool {
	return rtt > minRTT+minRTT/16+time.Millisecond
}

// judge ends a round: it puts what was lost in it into r, and reports whether it
// was congestion. stalled says that the rate did not grow under a probe.
func (g *lossGate) judge(r *roundStats, minRTT time.Duration, stalled bool, segment float64) bool {
	r.lost, g.lostNow = g.lostNow, 0
	evident := stalled || queued(r.rtt, minRTT)
	if evident && r.lostMore(g.random+congestionLoss, segment) || r.lostMore(g.proven+heavyLoss, segment) {
		return true
	}
	if share := min(r.lossShare(), maxRandom); share < g.random || !crowded(r.rtt, minRTT) {
		g.random += randomWeight * (share - g.random)
	}
	if g.random < g.proven/2 { // it has become less
		g.proven = 0
	}
	return false
}

// heavy reports whether so much is lost in a round that is under way that it will be
// congestion without more evidence.
func (g *lossGate) heavy(now roundStats, segment float64) bool {
	now.lost = g.lostNow
	return now.lostMore(g.proven+heavyLoss, segment)
}

// prove takes a share of loss for chance, all at once.
func (g *lossGate) prove(share float64) {
	g.random = min(share, maxRandom)
	g.proven = g.random
}

// disprove forgets what was taken for chance: it is learned anew.
func (g *lossGate) disprove() { g.random, g.proven = 0, 0 }

// forget forgets what was known of a path that may have changed.
func (g *lossGate) forget() { *g = lossGate{} }
