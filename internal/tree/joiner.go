package tree

import (
	"fmt"
	"math/bits"
)

// Joiner joins the hashes of a file's pieces, which it is told in order, to the
// file's BLAKE3 hash. It keeps no list, so that a size costs nothing.
type Joiner struct {
	pieces, next int64
	stack        [64]value // the full subtrees to the left of next, largest first: one for each bit that is set in it
	depth        int
	last, root   Hash
}

// NewJoiner returns a joiner for a file of pieces pieces, at least 1.
func NewJoiner(pieces int64) *Joiner { return &Joiner{pieces: pieces} }

// Next returns which piece's hash comes next; the number of pieces when there
// is none.
func (j *Joiner) Next() int64 { return j.next }

// Last returns the hash that was added last.
func (j *Joiner) Last() Hash { return j.last }

// Add takes the hash of piece Next.
func (j *Joiner) Add(h Hash) {
	switch {
	case j.next == j.pieces:
		panic(fmt.Sprintf("BUG: a hash beyond %d pieces", j.pieces))
	case j.next == j.pieces-1:
		j.root = j.join(h)
	default:
		v := toValue(h)
		for range bits.TrailingZeros64(uint64(j.next) + 1) {
			j.depth--
			v = join(j.stack[j.depth], v)
		}
		j.stack[j.depth] = v
		j.depth++
	}
	j.last = h
	j.next++
}

// join returns the root over the subtrees and the last piece.
func (j *Joiner) join(last Hash) Hash {
	if j.depth == 0 {
		return last
	}
	v := toValue(last)
	for i := j.depth - 1; i > 0; i-- {
		v = join(j.stack[i], v)
	}
	return joinRoot(j.stack[0], v)
}

// Root returns the file's hash, false while one of a piece is missing.
func (j *Joiner) Root() (Hash, bool) { return j.root, j.next == j.pieces }
