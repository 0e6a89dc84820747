package arq

// bandwidthFilter keeps the most that the path has delivered in this cycle of
// probing and the one before (draft-ietf-ccwg-bbr-03, section 5.5.6), in bytes
// per second.
type bandwidthFilter struct{ cycle [2]float64 }

// add takes a sample. An application-limited one counts only if it is more
// than what was known.
func (f *bandwidthFilter) add(rate float64, appLimited bool) {
	if rate > f.max() || !appLimited {
		f.cycle[0] = max(f.cycle[0], rate)
	}
}

func (f *bandwidthFilter) max() float64 { return max(f.cycle[0], f.cycle[1]) }

// nextCycle begins a cycle. One without a sample is no cycle.
func (f *bandwidthFilter) nextCycle() {
	if f.cycle[0] > 0 {
		f.cycle[1], f.cycle[0] = f.cycle[0], 0
	}
}
