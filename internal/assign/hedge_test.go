package assign

import "testing"

// TestNothingIsRepeatedOverOnePath: of two sessions, the slower holds the last piece, and
// the other could have it sooner. That is worth something where it is of another peer;
// one of the same peer would take the path from it, unless it hardly moves.
func TestNothingIsRepeatedOverOnePath(t *testing.T) {
	for _, tc := range []struct {
		slow, fast float64
		known      bool // the fast one's rate
		other      bool // its peer is another one
		repeats    bool
	}{
		{1 * mb, 10 * mb, true, true, true},
		{1 * mb, 10 * mb, true, false, false},
		{0.4 * mb, 10 * mb, true, false, true},
		{0, 0, false, false, false}, // it counts as the mean of the rest
	} {
		for _, windowed := range []bool{false, true} {
			s := seat(t, []float64{tc.slow, tc.fast}, []int64{1, 0}, []int64{1, 0})
			s.workers[1].peer = 0
			if tc.other {
				s.workers[1].peer = 1
			}
			if !tc.known {
				s.workers[1].samples = 0
			}
			if windowed {
				s.Window(PieceBytes)
			}
			if tc.repeats {
				s.gets(1, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
			} else {
				s.getsNothing(1)
			}
		}
	}
}
