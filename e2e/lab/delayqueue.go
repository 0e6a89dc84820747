package main

import "time"

// delayQueue holds packets until they are due: a binary heap by due time, then
// by order of arrival. It is not container/heap because that boxes every item.
type delayQueue struct {
	heap []delayed
	seq  uint64
}

type delayed struct {
	due    time.Duration
	seq    uint64
	packet *packet
}

func (d delayed) before(o delayed) bool {
	return d.due < o.due || d.due == o.due && d.seq < o.seq
}

// next returns when the first packet is due, false when there is none.
func (q *delayQueue) next() (time.Duration, bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].due, true
}

func (q *delayQueue) push(due time.Duration, p *packet) {
	q.seq++
	item := delayed{due, q.seq, p}
	q.heap = append(q.heap, item)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !item.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = item
}

// pop removes the first packet, of which there must be one.
func (q *delayQueue) pop() *packet {
	first := q.heap[0].packet
	last := len(q.heap) - 1
	item := q.heap[last]
	q.heap[last] = delayed{}
	q.heap = q.heap[:last]
	if last == 0 {
		return first
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && q.heap[child+1].before(q.heap[child]) {
			child++
		}
		if !q.heap[child].before(item) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	q.heap[i] = item
	return first
}
