package tree

import (
	"fmt"
	"math/bits"
)

// pageHashes is how many hashes memory is allocated for at once: 128 KiB for 4
// GiB of a file. Arbitrary; a multiple of 64.
const pageHashes = 4096

// List holds the piece hashes of one file, of which any may be unknown. Memory
// is allocated as hashes are set, so that a size costs nothing by itself.
type List struct {
	size    int64
	known   int64
	unknown int64 // the first unknown one; Len where there is none
	pages   map[int64]*page
}

// page is a run of hashes, and which of them are known.
type page struct {
	hashes []Hash
	known  [pageHashes / 64]uint64
	count  int
}

// NewList returns the list of a file of size bytes, of which nothing is known.
func NewList(size int64) *List {
	if size < 0 {
		panic(fmt.Sprintf("BUG: a file of %d bytes", size))
	}
	return &List{size: size, pages: map[int64]*page{}}
}

// Size returns the size of the file in bytes.
func (l *List) Size() int64 { return l.size }

// Len returns the number of pieces, at least 1.
func (l *List) Len() int64 { return Pieces(l.size) }

// Known returns how many of the hashes are known.
func (l *List) Known() int64 { return l.known }

// Set makes h the hash of piece i, whatever it was before.
func (l *List) Set(i int64, h Hash) {
	l.check(i)
	number, at := i/pageHashes, i%pageHashes
	p := l.pages[number]
	if p == nil {
		// The last page is only as long as it must be: most files are small.
		p = &page{hashes: make([]Hash, min(pageHashes, l.Len()-number*pageHashes))}
		l.pages[number] = p
	}
	p.hashes[at] = h
	if p.has(at) {
		return
	}
	p.known[at/64] |= 1 << (at % 64)
	p.count++
	l.known++
	if i == l.unknown {
		l.unknown = l.next(i + 1)
	}
}

// Unset makes the hash of piece i unknown.
func (l *List) Unset(i int64) {
	l.check(i)
	p, at := l.pages[i/pageHashes], i%pageHashes
	if p == nil || !p.has(at) {
		return
	}
	p.known[at/64] &^= 1 << (at % 64)
	p.count--
	l.known--
	l.unknown = min(l.unknown, i)
}

// Get returns the hash of piece i, and whether it is known.
func (l *List) Get(i int64) (Hash, bool) {
	l.check(i)
	p, at := l.pages[i/pageHashes], i%pageHashes
	if p == nil || !p.has(at) {
		return Hash{}, false
	}
	return p.hashes[at], true
}

// NextUnknown returns the first piece at or after from whose hash is unknown.
// From the first unknown one it is found at once; beyond, a page that is
// complete costs one step.
func (l *List) NextUnknown(from int64) (int64, bool) {
	i := l.unknown
	if from > i {
		i = l.next(from)
	}
	return i, i < l.Len()
}

// next returns the first unknown piece at or after from, at most Len.
func (l *List) next(from int64) int64 {
	for from < l.Len() {
		p := l.pages[from/pageHashes]
		if p == nil {
			return from
		}
		start := from - from%pageHashes
		if p.count < len(p.hashes) {
			if at := p.next(from % pageHashes); at < int64(len(p.hashes)) {
				return start + at
			}
		}
		from = start + pageHashes
	}
	return l.Len()
}

// Root joins the hashes to the file's BLAKE3 hash; false while one is unknown.
// It takes time in proportion to Len.
func (l *List) Root() (Hash, bool) {
	if l.known < l.Len() {
		return Hash{}, false
	}
	j := NewJoiner(l.Len())
	for i := range l.Len() {
		h, _ := l.Get(i)
		j.Add(h)
	}
	return j.Root()
}

func (l *List) check(i int64) {
	if i < 0 || i >= l.Len() {
		panic(fmt.Sprintf("BUG: piece %d of %d", i, l.Len()))
	}
}

func (p *page) has(at int64) bool { return p.known[at/64]>>(at%64)&1 == 1 }

// next returns the first unknown hash at or after at. What lies beyond the
// hashes of a short page is unknown too.
func (p *page) next(at int64) int64 {
	word := ^p.known[at/64] >> (at % 64) << (at % 64)
	for at /= 64; ; word = ^p.known[at] {
		if word != 0 {
			return at*64 + int64(bits.TrailingZeros64(word))
		}
		if at++; at == int64(len(p.known)) {
			return pageHashes
		}
	}
}
