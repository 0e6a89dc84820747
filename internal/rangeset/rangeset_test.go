package rangeset

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSetAgainstBitmap runs random additions and removals beside a plain
// bitmap and compares every answer.
func TestSetAgainstBitmap(t *testing.T) {
	const size = 64
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		var bits [size]bool
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r := Range{rapid.Int64Range(0, size).Draw(t, "start"), rapid.Int64Range(0, size).Draw(t, "end")}
			add := rapid.Bool().Draw(t, "add")
			if add {
				s.Add(r)
			} else {
				s.Remove(r)
			}
			for i := r.Start; i < r.End; i++ {
				bits[i] = add
			}
			compare(t, &s, bits[:])
		}
	})
}

func compare(t *rapid.T, s *Set, bits []bool) {
	var n int64
	for i, b := range bits {
		if b {
			n++
		}
		if got := s.Contains(Range{int64(i), int64(i) + 1}); got != b {
			t.Fatalf("byte %d: in set %v, want %v (%v)", i, got, b, s.Ranges())
		}
	}
	if s.Len() != n {
		t.Fatalf("Len %d, want %d", s.Len(), n)
	}
	for i, r := range s.Ranges() {
		if r.Empty() || i > 0 && s.Ranges()[i-1].End >= r.Start {
			t.Fatalf("ranges not sorted and apart: %v", s.Ranges())
		}
	}
	all := Range{0, int64(len(bits))}
	missing := Set{}
	for _, r := range s.Missing(all) {
		missing.Add(r)
	}
	for i, b := range bits {
		if missing.Contains(Range{int64(i), int64(i) + 1}) == b {
			t.Fatalf("byte %d both in the set and missing, or neither", i)
		}
	}
	for i := range bits {
		r := Range{int64(i), int64(i) + 1 + rapid.Int64Range(-1, 7).Draw(t, "length")}
		want := false
		for j := r.Start; j < min(r.End, all.End); j++ {
			want = want || bits[j]
		}
		if got := s.Overlaps(r); got != want {
			t.Fatalf("Overlaps(%v) of %v is %v", r, s.Ranges(), got)
		}
	}
	if s.Contains(all) != (n == int64(len(bits))) {
		t.Fatalf("Contains(%v) with %d of %d bytes", all, n, len(bits))
	}
}

func TestContainsNeedsOneRange(t *testing.T) {
	var s Set
	s.Add(Range{0, 10})
	s.Add(Range{11, 20})
	if s.Contains(Range{5, 15}) {
		t.Error("a range with a hole counted as contained")
	}
	s.Add(Range{10, 11})
	if got := s.Ranges(); len(got) != 1 || got[0] != (Range{0, 20}) {
		t.Errorf("touching ranges not joined: %v", got)
	}
}
