package partfile

import "testing"

// TestAReserveIsLeft of what a disk has free, but for files that have their space
// already.
func TestAReserveIsLeft(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for _, tc := range []struct {
		name                  string
		size, held, free, all uint64
		want                  bool
	}{
		{"a large disk", 100 * gib, 0, 200 * gib, 1000 * gib, true},
		{"all that is free", 200 * gib, 0, 200 * gib, 1000 * gib, false},
		{"all but the reserve", 200*gib - 256*mib, 0, 200 * gib, 1000 * gib, true},
		{"a byte more", 200*gib - 256*mib + 1, 0, 200 * gib, 1000 * gib, false},
		{"a small disk", 99 * mib, 0, 100 * mib, 100 * mib, true},
		{"a small disk, whole", 100 * mib, 0, 100 * mib, 100 * mib, false},
		{"the rest of a file", 10 * gib, 9 * gib, 2 * gib, 1000 * gib, true},
		{"a file that is there, on a full disk", 10 * gib, 10 * gib, 0, 1000 * gib, true},
		{"a longer one", 10*gib + 1, 10 * gib, 0, 1000 * gib, false},
		{"no size", 0, 0, 0, 1000 * gib, true},
		{"more than there can be", 1 << 62, 0, 200 * gib, 1000 * gib, false},
		{"a disk that says nothing", 1 << 62, 0, 0, 0, true},
	} {
		if got := fits(tc.size, tc.held, tc.free, tc.all); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
