package ui

import "time"

// Live is the PeerStatus.State that counts as a live peer. All other states
// are shown as they are and mean nothing to this package.
const Live = "live"

// Snapshot is the state of a fetch at one moment.
type Snapshot struct {
	Name            string        // of the file
	Root            string        // BLAKE3 hash that the file has or is to have, "" while not known
	Total           int64         // bytes of the file; below 0 while not yet known
	Done            int64         // bytes verified, those resumed included
	Resumed         int64         // bytes of Done that an earlier fetch had left
	Elapsed         time.Duration // since the fetch began
	RateBytesPerSec float64       // now, smoothed by the caller
	Peers           []PeerStatus  // in the order they are shown
}

// PeerStatus is the part of one peer.
type PeerStatus struct {
	Addr            string
	State           string // Live, or another short word: probing, silent, down, refused
	Sessions        int
	Bytes           int64         // of the file, received from this peer
	RateBytesPerSec float64       // now, smoothed by the caller
	RTT             time.Duration // 0 while not measured
	Segments        uint64        // transmissions of segments, repeats included
	Repeated        uint64        // transmissions of segments that had been sent before
	Note            string        // what the user should know of this peer, or ""
}

func (s Snapshot) live() int {
	n := 0
	for _, p := range s.Peers {
		if p.State == Live {
			n++
		}
	}
	return n
}

// average returns the bytes per second over the whole fetch. Resumed bytes
// were not fetched.
func (s Snapshot) average() float64 {
	return perSecond(s.Done-s.Resumed, s.Elapsed)
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 || n <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
