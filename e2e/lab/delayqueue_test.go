package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestDelayQueueOrder: by due time, and equal ones in the order they came.
func TestDelayQueueOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed, 0))
	var q delayQueue
	order := map[*packet]int{}
	dues := map[*packet]time.Duration{}
	for i := range 2000 {
		p := &packet{}
		order[p], dues[p] = i, time.Duration(rng.IntN(50))
		q.push(dues[p], p)
		if i%3 == 0 { // pops among the pushes
			due, _ := q.next()
			if p := q.pop(); dues[p] != due {
				t.Fatalf("popped what is due at %v, not %v (seed %d)", dues[p], due, testSeed)
			}
		}
	}
	var last *packet
	for {
		if _, ok := q.next(); !ok {
			return
		}
		p := q.pop()
		if last != nil && (dues[p] < dues[last] || dues[p] == dues[last] && order[p] < order[last]) {
			t.Fatalf("due %v (sent as %d) after due %v (sent as %d) (seed %d)",
				dues[p], order[p], dues[last], order[last], testSeed)
		}
		last = p
	}
}
