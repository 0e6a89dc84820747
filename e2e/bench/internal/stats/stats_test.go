package stats

import (
	"math"
	"testing"
)

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Summary
	}{
		{nil, Summary{}},
		{[]float64{3}, Summary{1, 3, 3, 3}},
		{[]float64{9, 1, 2}, Summary{3, 2, 1, 9}},
		{[]float64{8, 1, 4, 2}, Summary{4, 3, 1, 8}},
	} {
		if got := Summarize(c.values); got != c.want {
			t.Errorf("Summarize(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestSummarizeLeavesTheOrderAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	Summarize(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("the runs are in another order now: %v", values)
	}
}

// The second pair was measured while something else had the machine: the
// ratio of pairs does not see it.
func TestCompareInPairs(t *testing.T) {
	got := Compare([]float64{10, 2, 12}, []float64{5, 1, 6})
	if got.OfPairs != 2 || got.OfMedians != 2 {
		t.Errorf("got %+v, want 2 and 2", got)
	}
	got = Compare([]float64{10, 1, 1}, []float64{5, 5, 1})
	if got.OfPairs != 1 || got.OfMedians != 0.2 {
		t.Errorf("got %+v, want 1 of the pairs and 0.2 of the medians", got)
	}
}

func TestCompareLeavesFailedRunsOut(t *testing.T) {
	nan := math.NaN()
	if got := Compare([]float64{nan, 8, 6}, []float64{1, 4, nan}); got != (Ratio{2, 2}) {
		t.Errorf("got %+v, want the one pair that did not fail", got)
	}
	if got := Compare([]float64{nan}, []float64{1}); got != (Ratio{}) {
		t.Errorf("got %+v of no pair", got)
	}
}

func TestJain(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{5, 5}, 1},
		{[]float64{5, 0}, 0.5},
		{[]float64{1, 0, 0, 0}, 0.25},
		{[]float64{0, 0}, 0},
	} {
		if got := Jain(c.values); got != c.want {
			t.Errorf("Jain(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestUtilisation(t *testing.T) {
	// A frame of 1 ms and a round trip of 9 ms: one channel has the line a
	// tenth of the time, ten have all of it and more cannot have more.
	for channels, want := range map[int]float64{1: 0.1, 5: 0.5, 10: 1, 64: 1} {
		if got := Utilisation(channels, 4.5); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d channels: %v, want %v", channels, got, want)
		}
	}
}
