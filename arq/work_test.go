package arq

import (
	"math/rand/v2"
	"slices"
	"testing"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestDropsOfAStranger: whatever a peer has dropped, the queue has no more items
// than it may, each byte of a request is in it once or has been counted as
// dropped, and what was not dropped is there, in order.
func TestDropsOfAStranger(t *testing.T) {
	const requests, size = 3, 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	q := workQueue{open: map[proto.ID]int64{}}
	var asked [requests + 1]rangeset.Set
	for id := proto.ID(1); id <= requests; id++ {
		q.push(work{id, rangeset.Range{End: size}})
		asked[id].Add(rangeset.Range{End: size})
	}
	most := 0
	for range 6_000 {
		id := proto.ID(1 + rng.IntN(requests+1))
		r := rangeset.Range{Start: rng.Int64N(size)}
		r.End = r.Start + 1 + rng.Int64N(50)
		q.cancel(id, r)
		if id <= requests {
			asked[id].Remove(r)
		}
		most = max(most, len(q.items))
	}
	if most != maxWork {
		t.Errorf("%d items at most, want %d: is the bound reached, and kept?", most, maxWork)
	}
	var sum int64
	var have [requests + 1]rangeset.Set
	for _, w := range q.items {
		if w.data.Empty() || have[w.request].Contains(rangeset.Range{Start: w.data.Start, End: w.data.Start + 1}) {
			t.Fatalf("%v is empty, or in the queue twice", w)
		}
		have[w.request].Add(w.data)
		sum += w.data.Len()
	}
	if sum != q.bytes {
		t.Errorf("%d bytes are counted, %d are there", q.bytes, sum)
	}
	for id := proto.ID(1); id <= requests; id++ {
		if have[id].Len() != q.open[id] {
			t.Errorf("request %d: %d bytes are open, %d are there", id, q.open[id], have[id].Len())
		}
		for _, r := range asked[id].Ranges() {
			if !have[id].Contains(r) {
				t.Fatalf("request %d: %v was not dropped, and is gone", id, r)
			}
		}
	}
	for i := 1; i < len(q.items); i++ {
		if a, b := q.items[i-1], q.items[i]; a.request > b.request || a.request == b.request && a.data.End > b.data.Start {
			t.Fatalf("out of order: %v, %v", a, b)
		}
	}
	for id := proto.ID(1); id <= requests; id++ {
		q.cancel(id, rangeset.Range{End: size})
	}
	slices.Sort(q.finished)
	if len(q.items) != 0 || q.bytes != 0 || len(q.open) != 0 || !slices.Equal(q.finished, []proto.ID{1, 2, 3}) {
		t.Errorf("%d items, %d bytes, %v open, %v finished after the end", len(q.items), q.bytes, q.open, q.finished)
	}
}

// TestDropAllocatesNothing: a peer that sends nothing but Drops costs the time
// to look through the queue.
func TestDropAllocatesNothing(t *testing.T) {
	q := workQueue{open: map[proto.ID]int64{}}
	q.push(work{1, rangeset.Range{End: 1 << 30}})
	drop := rangeset.Range{Start: 1, End: 2}
	next := func() {
		q.cancel(1, drop)
		drop.Start, drop.End = drop.Start+2, drop.End+2
	}
	for range maxWork + 1 {
		next()
	}
	if n := testing.AllocsPerRun(100, next); n != 0 {
		t.Errorf("%v allocations a Drop", n)
	}
}

func BenchmarkDrop(b *testing.B) {
	q := workQueue{open: map[proto.ID]int64{}}
	q.push(work{1, rangeset.Range{End: 1 << 40}})
	drop := rangeset.Range{Start: 1, End: 2}
	b.ReportAllocs()
	for b.Loop() {
		q.cancel(1, drop)
		drop.Start, drop.End = drop.Start+2, drop.End+2
	}
}
