package netsim

import "time"

// agenda holds the packets under way, the next arrival first and equal ones in
// the order of sending: a binary heap, not container/heap, which would box
// every entry.
type agenda struct {
	heap []arrival
	sent uint64
}

type arrival struct {
	due    time.Time
	order  uint64
	packet *packet
}

func (a arrival) before(b arrival) bool {
	if c := a.due.Compare(b.due); c != 0 {
		return c < 0
	}
	return a.order < b.order
}

// next returns when the next packet arrives, false when none is under way.
func (g *agenda) next() (time.Time, bool) {
	if len(g.heap) == 0 {
		return time.Time{}, false
	}
	return g.heap[0].due, true
}

func (g *agenda) push(due time.Time, p *packet) {
	g.sent++
	g.heap = append(g.heap, arrival{due, g.sent, p})
	i := len(g.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !g.heap[i].before(g.heap[parent]) {
			break
		}
		g.heap[i], g.heap[parent] = g.heap[parent], g.heap[i]
		i = parent
	}
}

// pop removes the next packet; there must be one.
func (g *agenda) pop() *packet {
	top := g.heap[0].packet
	last := len(g.heap) - 1
	g.heap[0] = g.heap[last]
	g.heap[last] = arrival{}
	g.heap = g.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if g.heap[child].before(g.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		g.heap[i], g.heap[least] = g.heap[least], g.heap[i]
		i = least
	}
}
