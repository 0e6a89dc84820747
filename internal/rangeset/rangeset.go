// Package rangeset keeps sets of half-open byte ranges.
package rangeset

import (
	"fmt"
	"slices"
	"sort"
)

// Range is the bytes [Start, End) of a file.
type Range struct{ Start, End int64 }

// Len returns the number of bytes in r; 0 for an empty or reversed range.
func (r Range) Len() int64 { return max(0, r.End-r.Start) }

// Empty reports whether r holds no byte.
func (r Range) Empty() bool { return r.End <= r.Start }

// Intersect returns the bytes that r and o share, an empty range where there are none.
func (r Range) Intersect(o Range) Range {
	return Range{max(r.Start, o.Start), min(r.End, o.End)}
}

func (r Range) String() string { return fmt.Sprintf("[%d, %d)", r.Start, r.End) }

// Set is a set of bytes, kept as sorted ranges that neither touch nor overlap.
// The zero Set is empty.
type Set struct{ ranges []Range }

// Ranges returns the set's ranges in order. The caller must not change them.
func (s *Set) Ranges() []Range { return s.ranges }

// Len returns the number of bytes in s.
func (s *Set) Len() int64 {
	var n int64
	for _, r := range s.ranges {
		n += r.Len()
	}
	return n
}

// Add puts the bytes of r into s.
func (s *Set) Add(r Range) {
	if r.Empty() {
		return
	}
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].End >= r.Start })
	j := i
	for ; j < len(s.ranges) && s.ranges[j].Start <= r.End; j++ {
		r.Start = min(r.Start, s.ranges[j].Start)
		r.End = max(r.End, s.ranges[j].End)
	}
	s.ranges = slices.Replace(s.ranges, i, j, r)
}

// Remove takes the bytes of r out of s.
func (s *Set) Remove(r Range) {
	if r.Empty() {
		return
	}
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].End > r.Start })
	j := i
	var keep []Range
	for ; j < len(s.ranges) && s.ranges[j].Start < r.End; j++ {
		if left := (Range{s.ranges[j].Start, r.Start}); !left.Empty() {
			keep = append(keep, left)
		}
		if right := (Range{r.End, s.ranges[j].End}); !right.Empty() {
			keep = append(keep, right)
		}
	}
	s.ranges = slices.Replace(s.ranges, i, j, keep...)
}

// Contains reports whether every byte of r is in s.
func (s *Set) Contains(r Range) bool {
	if r.Empty() {
		return true
	}
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].End > r.Start })
	return i < len(s.ranges) && s.ranges[i].Start <= r.Start && r.End <= s.ranges[i].End
}

// Overlaps reports whether any byte of r is in s.
func (s *Set) Overlaps(r Range) bool {
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].End > r.Start })
	return !r.Empty() && i < len(s.ranges) && s.ranges[i].Start < r.End
}

// Missing returns the parts of r that are not in s, in order.
func (s *Set) Missing(r Range) []Range {
	var out []Range
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].End > r.Start })
	for ; i < len(s.ranges) && s.ranges[i].Start < r.End; i++ {
		if gap := (Range{r.Start, s.ranges[i].Start}); !gap.Empty() {
			out = append(out, gap)
		}
		r.Start = s.ranges[i].End
	}
	if !r.Empty() {
		out = append(out, r)
	}
	return out
}

// Clear empties s and keeps its space.
func (s *Set) Clear() { s.ranges = s.ranges[:0] }
