package arq

const (
	// trialAfter is after how many rounds of heavy loss that no queue explains less is
	// sent, trialRate of what was sent in the last of them, until trialRounds have shown what
	// is lost then. It is by chance if its share is still trialShare of what it was (all arbitrary).
	trialAfter  = 3
	trialRate   = 0.5
	trialRounds = 3
	trialShare  = 0.75

	// trialReached is the part of what was sent before that counts as so much less, and
	// trialMost how many rounds a trial takes at most (both arbitrary).
	trialReached = 0.6
	trialMost    = 12
)

// trial finds out whether heavy loss that no queue explains is by chance, by sending
// less. A policer drops what is more than its rate, so that the share that is lost
// falls with what is sent; chance takes its share of whatever is sent.
type trial struct {
	heavy     int     // rounds of such loss
	share     float64 // lost in the last of them before less is sent: in the first the path may have changed
	sent      float64 // and sent, bytes per second
	age       int     // rounds since less is sent
	rounds    int     // of those the ones in which so much less was sent,
	lost, all int     // and what was lost of what was sent in them, bytes
}

// running reports whether less is sent for it.
func (t *trial) running() bool { return t.heavy >= trialAfter }

// limit returns how much of a rate is used, in bytes per second.
func (t *trial) limit(rate float64) float64 {
	if !t.running() {
		return rate
	}
	return min(rate, trialRate*t.sent)
}

// observe takes a round; clear says that it showed no queue. It returns the
// share of loss that has turned out to be by chance, or 0.
func (t *trial) observe(r roundStats, congested, clear bool) float64 {
	if t.running() {
		t.age++
	}
	if t.age > trialMost {
		*t = trial{}
	}
	if !clear {
		return 0
	}
	share := r.lossShare()
	sent := r.mean / (1 - min(share, 0.9)) // of a round of which nothing came nothing is known
	switch {
	case !t.running() && congested:
		t.heavy++
		t.share, t.sent = share, sent
	case t.running() && sent <= trialReached*t.sent:
		t.rounds++
		t.lost += r.lost
		t.all += r.acked + r.lost
	}
	if t.rounds < trialRounds {
		return 0
	}
	before, now := t.share, float64(t.lost)/float64(t.all)
	*t = trial{}
	if now < trialShare*before {
		return 0
	}
	return now
}
