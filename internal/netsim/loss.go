package netsim

import "math/rand/v2"

// lossChain decides what is lost: a Markov chain of two states, as Gilbert's
// model with nothing passing in the bad state (E. N. Gilbert, "Capacity of a
// burst-noise channel", 1960). Equal probabilities make losses independent.
type lossChain struct {
	afterPassed float64 // probability of a loss after a datagram that passed
	afterLost   float64 // and after one that was lost
	lost        bool    // the last one was
	limit       runLimit
}

func (c *lossChain) set(loss, burstLen float64, mostInARow int) {
	c.afterPassed, c.afterLost, c.limit.most = loss, loss, mostInARow
	if burstLen > 1 && loss < 1 {
		// A burst ends with probability 1/burstLen after each of its datagrams,
		// which gives its mean; in balance loss*(1/burstLen) bursts end for
		// (1-loss)*afterPassed that begin.
		c.afterLost = 1 - 1/burstLen
		c.afterPassed = loss / (burstLen * (1 - loss))
	}
}

// next reports whether the next datagram is lost.
func (c *lossChain) next(rng *rand.Rand) bool {
	if c.afterPassed == 0 {
		return false
	}
	p := c.afterPassed
	if c.lost {
		p = c.afterLost
	}
	c.lost = c.limit.allows(rng.Float64() < p)
	return c.lost
}

// runLimit lets an event happen a number of times in a row and no more.
type runLimit struct {
	most int // 0: no limit
	run  int // that it has happened in a row
}

// allows returns whether what is drawn to happen does.
func (l *runLimit) allows(drawn bool) bool {
	if !drawn || l.most > 0 && l.run >= l.most {
		l.run = 0
		return false
	}
	l.run++
	return true
}
