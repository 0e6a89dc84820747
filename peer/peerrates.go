package peer

import (
	"time"

	"chunkcp/internal/assign"
)

// ratedBytes is how much a peer must have given for its rate to be worth
// remembering: startup is over by then. Arbitrary.
const ratedBytes = 4 * assign.PieceBytes

// priorRate returns what one session with p can be expected to fetch, in bytes
// per second, by what is remembered of earlier runs; 0 if nothing is.
func (f *Fetch) priorRate(p *peerState) float64 {
	if f.opt.Rates == nil {
		return 0
	}
	n := max(1, f.wanted()/max(1, f.livePeers()))
	return f.opt.Rates.Rate(p.Addr, time.Now()) / float64(n)
}

// remember keeps how fast the peers were.
func (f *Fetch) remember() {
	if f.opt.Rates == nil {
		return
	}
	now := time.Now()
	for _, p := range f.peers {
		if sum, rate := f.tally(p); rate > 0 && sum.bytes >= ratedBytes {
			f.opt.Rates.Remember(p.Addr, rate, now)
		}
	}
}
