package relay

import "time"

// parcel is a datagram under way.
type parcel struct {
	due     time.Time
	order   uint64 // in which parcels of one due time arrive
	to      *outlet
	payload []byte
}

// parcels is a heap, the next arrival first. container/heap serves here: the
// impairer allocates for each datagram anyhow.
type parcels []*parcel

func (p parcels) Len() int      { return len(p) }
func (p parcels) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

func (p parcels) Less(i, j int) bool {
	if c := p[i].due.Compare(p[j].due); c != 0 {
		return c < 0
	}
	return p[i].order < p[j].order
}

// Push implements heap.Interface.
func (p *parcels) Push(x any) { *p = append(*p, x.(*parcel)) }

// Pop implements heap.Interface.
func (p *parcels) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	(*p)[last] = nil
	*p = (*p)[:last]
	return x
}
