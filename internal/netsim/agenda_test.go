package netsim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The heap against a sorted list: arrivals in order of time, ties in order of sending.
func TestAgendaOrder(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var g agenda
		var sorted []arrival
		for range 500 {
			if len(sorted) > 0 && rng.IntN(3) == 0 {
				if due, _ := g.next(); !due.Equal(sorted[0].due) || g.pop() != sorted[0].packet {
					t.Fatalf("seed %d: %v came first, want %v", seed, due, sorted[0].due)
				}
				sorted = sorted[1:]
				continue
			}
			a := arrival{due: start.Add(time.Duration(rng.IntN(20))), packet: &packet{}}
			g.push(a.due, a.packet)
			sorted = append(sorted, a)
			slices.SortStableFunc(sorted, func(x, y arrival) int { return x.due.Compare(y.due) })
		}
	}
}
