package peer

import (
	"slices"
	"testing"
)

// TestAsManySessionsWithEachPeer: four in all, or as near below that as comes, or one with each
// of more; of peers that are there, and of those that have not answered yet.
func TestAsManySessionsWithEachPeer(t *testing.T) {
	for _, tc := range []struct {
		states []State
		given  int
		want   int
	}{
		{[]State{Live}, 0, 4},
		{[]State{Live, Live}, 0, 4},
		{[]State{Live, Live, Live}, 0, 3},
		{[]State{Live, Probing, Probing}, 0, 3},
		{[]State{Live, Down, Silent, Out, Live}, 0, 4},
		{[]State{Down, Silent}, 0, 4},
		{slices.Repeat([]State{Live}, 4), 0, 4},
		{slices.Repeat([]State{Live}, 9), 0, 9},
		{[]State{Live, Live, Live}, 8, 8},
	} {
		f := &Fetch{opt: FetchOptions{Sessions: tc.given}}
		for _, s := range tc.states {
			f.peers = append(f.peers, &peerState{state: s})
		}
		if got := f.wanted(); got != tc.want {
			t.Errorf("%v, -n %d: %d sessions, want %d", tc.states, tc.given, got, tc.want)
		}
	}
}
