// Package stats reduces repeated measurements to the few numbers that are
// reported, and knows what theory says they should be.
package stats

import (
	"math"
	"slices"
)

// Summary describes repeated measurements of one thing.
type Summary struct {
	N      int     `json:"n"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Summarize describes the values, in any order; of none it is the zero Summary.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	return Summary{
		N:      len(values),
		Median: Median(values),
		Min:    slices.Min(values),
		Max:    slices.Max(values),
	}
}

// Median returns the middle value, or the mean of the two in the middle; 0 of
// none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Ratio compares two series that were measured in turns.
type Ratio struct {
	// OfMedians is the one series' median over the other's.
	OfMedians float64 `json:"of_medians"`
	// OfPairs is the median of the ratios of neighbours in time, which what
	// slows the whole machine for a while does not touch.
	OfPairs float64 `json:"of_pairs"`
}

// Compare returns how a stands to b. A measurement that failed is NaN, and
// takes its pair with it. Without any pair the ratio is zero.
func Compare(a, b []float64) Ratio {
	var as, bs, pairs []float64
	for i := range min(len(a), len(b)) {
		if math.IsNaN(a[i]) || math.IsNaN(b[i]) || b[i] == 0 {
			continue
		}
		as, bs = append(as, a[i]), append(bs, b[i])
		pairs = append(pairs, a[i]/b[i])
	}
	if len(pairs) == 0 {
		return Ratio{}
	}
	return Ratio{OfMedians: Median(as) / Median(bs), OfPairs: Median(pairs)}
}

// Jain returns Jain's index of fairness (RFC 5166 section 2.3): 1 when all have
// the same, 1/n when one has it all; 0 when nobody has anything.
func Jain(values []float64) float64 {
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(values)) * squares)
}

// Utilisation returns the share of time for which stop-and-wait channels keep
// a line without losses busy: min(1, n/(1+2a)), where a is the propagation
// delay over the time a frame takes to send (Tanenbaum, Computer Networks,
// section 3.4).
func Utilisation(channels int, a float64) float64 {
	return min(1, float64(channels)/(1+2*a))
}
