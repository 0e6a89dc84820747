package assign

import "testing"

// TestNothingIsRepeatedOverOnePath: of two sessions, the slower holds the last piece, and
// the other could have it sooner. That is worth something where it is of another peer;
// one of the same peer would take the path from it, unless it hardly moves.
func TestNothingIsRepeatedOverOnePath(t *testing.T) {
	for name, tc := range map[string]struct {
		slow, fast float64
		other      bool // the fast one's peer is another one
		unknown    []SessionID
		repeats    bool
	}{
		"another path":        {1 * mb, 10 * mb, true, nil, true},
		"the same path":       {1 * mb, 10 * mb, false, nil, false},
		"it hardly moves":     {0.4 * mb, 10 * mb, false, nil, true},
		"a remembered rate":   {0.4 * mb, 10 * mb, false, []SessionID{1}, false},
		"the holder's is":     {0.4 * mb, 10 * mb, false, []SessionID{0}, false},
		"both are not known":  {0.4 * mb, 10 * mb, false, []SessionID{0, 1}, false},
		"remembered, another": {1 * mb, 10 * mb, true, []SessionID{1}, true},
	} {
		for _, windowed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				rate := []float64{tc.slow, tc.fast}
				s := seat(t, rate, []int64{1, 0}, []int64{1, 0}).indivisible()
				if !tc.other {
					s.workers[1].peer, s.expected = 0, 1
				}
				for _, id := range tc.unknown {
					s.workers[id].samples, s.workers[id].prior = 0, rate[id]
				}
				if windowed {
					s.Window(PieceBytes)
				}
				if tc.repeats {
					s.gets(1, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
				} else {
					s.getsNothing(1)
				}
			})
		}
	}
}

// TestWhoMayNotRepeatIsNotWaitedFor: the fastest session shares the holder's path, and
// one with another peer repeats its piece.
func TestWhoMayNotRepeatIsNotWaitedFor(t *testing.T) {
	s := seat(t, []float64{1 * mb, 10 * mb, 5 * mb}, []int64{1, 0, 0}, []int64{1, 0, 0}).indivisible()
	s.workers[1].peer, s.expected = 0, 2
	s.getsNothing(1)
	s.gets(2, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
}

// TestOneOfSeveralIsRelieved: of pieces that lie together and that two sessions each have,
// the one is taken over whose both hardly move.
func TestOneOfSeveralIsRelieved(t *testing.T) {
	s := seat(t, []float64{1000, 2000, 10 * mb, 0.1 * mb, 10 * mb}, []int64{1, 0, 1, 0, 0}, []int64{1, 0, 1, 0, 0}).indivisible()
	for _, d := range []struct {
		id    SessionID
		piece int64
	}{{1, 0}, {3, 1}} {
		s.doubled.Add(pieces(d.piece, d.piece+1))
		s.workers[d.id].hold(pieces(d.piece, d.piece+1))
	}
	s.gets(4, Work{Data: pieces(0, 1), Victim: 0})
	s.getsNothing(4)
	if held := s.Lease(0); len(held) != 0 || !s.workers[1].lease.Contains(pieces(0, 1)) {
		t.Errorf("the slowest holds %v", held)
	}
}
