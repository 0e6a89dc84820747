package arq

import (
	"slices"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// maxWork bounds the items that the peer can have a queue cut into, but for one for each
// burst when the path's segments become shorter. Arbitrary: several for each request that
// a session takes; to look through them takes a microsecond.
const maxWork = 1024

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
	records  Memory             // nil: unbounded
}

func (q *workQueue) push(w work) {
	q.items = append(q.items, w)
	q.bytes += w.data.Len()
	q.open[w.request] += w.data.Len()
}

// putBack puts what was taken before in front.
func (q *workQueue) putBack(back []work) {
	for _, w := range back {
		q.bytes += w.data.Len()
	}
	q.items = slices.Insert(q.items, 0, back...)
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

// cancel removes what is left of the bytes data of a request. Where that would
// leave two items for one, and there is no room for that, it leaves the one whole:
// what was not to be sent is sent all the same.
func (q *workQueue) cancel(request proto.ID, data rangeset.Range) {
	keep, at := 0, 0
	var dropped int64
	var second work // of the item that falls in two, to be at
	for _, w := range q.items {
		gone := w.data.Intersect(data)
		if w.request == request && !gone.Empty() {
			head, tail := rangeset.Range{Start: w.data.Start, End: gone.Start}, rangeset.Range{Start: gone.End, End: w.data.End}
			switch {
			case head.Empty() && tail.Empty():
				dropped += gone.Len()
				continue
			case head.Empty():
				w.data = tail
			case tail.Empty():
				w.data = head
			case at > 0 || !q.canHold(1):
				gone = rangeset.Range{}
			default:
				w.data, second, at = head, work{request, tail}, keep+1
			}
			dropped += gone.Len()
		}
		q.items[keep] = w
		keep++
	}
	q.items = q.items[:keep]
	if at > 0 {
		q.items = slices.Insert(q.items, at, second)
	}
	q.bytes -= dropped
	q.close(request, dropped)
}
