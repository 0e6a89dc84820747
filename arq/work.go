package arq

import (
	"slices"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// work is bytes of one request that wait to be sent for the first time.
type work struct {
	request proto.ID
	data    rangeset.Range
}

// workQueue holds what is to be sent, first come first served, and how much of
// each request has not been acknowledged.
type workQueue struct {
	items    []work
	bytes    int64
	open     map[proto.ID]int64 // bytes neither acknowledged nor cancelled
	finished []proto.ID         // no longer open
}

func (q *workQueue) push(w work) {
	q.items = append(q.items, w)
	q.bytes += w.data.Len()
	q.open[w.request] += w.data.Len()
}

// pushFront puts back what was taken before.
func (q *workQueue) pushFront(w work) {
	q.items = slices.Insert(q.items, 0, w)
	q.bytes += w.data.Len()
}

// close notes that n bytes of a request are acknowledged or cancelled.
func (q *workQueue) close(request proto.ID, n int64) {
	if n == 0 {
		return
	}
	if q.open[request] -= n; q.open[request] == 0 {
		delete(q.open, request)
		q.finished = append(q.finished, request)
	}
}

func (q *workQueue) empty() bool { return len(q.items) == 0 }

func (q *workQueue) front() *work { return &q.items[0] }

// took notes that n bytes of the front have been sent.
func (q *workQueue) took(n int64) {
	w := q.front()
	w.data.Start += n
	q.bytes -= n
	if w.data.Empty() {
		copy(q.items, q.items[1:]) // short: a session holds a few requests
		q.items = q.items[:len(q.items)-1]
	}
}

// cancel removes what is left of the bytes data of a request.
func (q *workQueue) cancel(request proto.ID, data rangeset.Range) {
	keep := make([]work, 0, len(q.items)+1) // one item may fall in two
	var dropped int64
	for _, w := range q.items {
		gone := w.data.Intersect(data)
		if w.request != request || gone.Empty() {
			keep = append(keep, w)
			continue
		}
		dropped += gone.Len()
		for _, r := range []rangeset.Range{{Start: w.data.Start, End: gone.Start}, {Start: gone.End, End: w.data.End}} {
			if !r.Empty() {
				keep = append(keep, work{request, r})
			}
		}
	}
	if dropped > 0 {
		q.items = keep
		q.bytes -= dropped
		q.close(request, dropped)
	}
}
