package peer

import (
	"slices"

	"chunkcp/internal/tree"
)

// claim is what a peer says of its file.
type claim struct {
	size    int64
	root    tree.Hash
	rooted  bool // it has told the root
	waiting bool // it is alive and may still tell it
	caught  bool // a piece that it sent was wrong: its word counts only beside another's
}

// agreement decides which is the file, where peers have different ones under its
// name: the pinned hash, else the majority, else the first in the config. It is
// sans-IO.
type agreement struct {
	pinned *tree.Hash
	claims map[int]*claim // by the peer's place in the config
}

func newAgreement(pinned *tree.Hash) *agreement {
	return &agreement{pinned: pinned, claims: map[int]*claim{}}
}

// answered notes the size of a peer's file. One that has changed is another file.
func (a *agreement) answered(peer int, size int64) {
	if c := a.claims[peer]; c != nil && c.size == size {
		c.waiting = true
		return
	}
	a.claims[peer] = &claim{size: size, waiting: true}
}

// told notes the root of a peer's file.
func (a *agreement) told(peer int, root tree.Hash) {
	if c := a.claims[peer]; c != nil {
		c.root, c.rooted = root, true
	}
}

// gone notes that a peer tells nothing any more. What it has told counts.
func (a *agreement) gone(peer int) {
	if c := a.claims[peer]; c != nil {
		c.waiting = false
	}
}

// caught notes that a piece which a peer sent was wrong. A disk that forgets does
// not make wrong what was known of the file before, and a liar who says what
// another one says does no harm; but alone it decides nothing.
func (a *agreement) caught(peer int) {
	if c := a.claims[peer]; c != nil {
		c.caught, c.waiting = true, false
	}
}

// withdraw takes back a peer's word: it has proved false.
func (a *agreement) withdraw(peer int) { delete(a.claims, peer) }

// size returns the size of the file, as far as is known; false if nobody has
// told one.
func (a *agreement) size() (int64, bool) {
	votes, right := newPoll[int64](), newPoll[int64]() // right: of who says it has the pinned hash's file
	for peer, c := range a.claims {
		switch {
		case a.pinned == nil || !c.rooted:
			votes.add(c.size, peer, c.caught)
		case c.root == *a.pinned:
			right.add(c.size, peer, c.caught)
		}
	}
	if size, ok := right.winner(); ok {
		return size, true
	}
	return votes.winner()
}

// root returns the root of the file of that size, false while it is open. final
// says that those who have not told theirs are no longer waited for.
func (a *agreement) root(size int64, final bool) (tree.Hash, bool) {
	if a.pinned != nil {
		return *a.pinned, true
	}
	votes, voters := newPoll[tree.Hash](), 0
	for peer, c := range a.claims {
		switch {
		case c.size != size:
		case c.rooted:
			voters++
			votes.add(c.root, peer, c.caught)
		case c.waiting:
			voters++
		}
	}
	root, ok := votes.winner()
	if !ok {
		return tree.Hash{}, false
	}
	n := len(votes.cast[root])
	return root, final || 2*n > voters || votes.all() == voters
}

// poll holds who has voted for what, and what has been put up by somebody who
// was not caught.
type poll[T comparable] struct {
	cast map[T][]int
	up   map[T]bool
}

func newPoll[T comparable]() poll[T] { return poll[T]{map[T][]int{}, map[T]bool{}} }

func (p poll[T]) add(what T, peer int, caught bool) {
	p.cast[what] = append(p.cast[what], peer)
	p.up[what] = p.up[what] || !caught
}

func (p poll[T]) all() (n int) {
	for _, peers := range p.cast {
		n += len(peers)
	}
	return n
}

// winner returns what has most votes of what was put up, of two with as many that
// of the peer that stands first in the config.
func (p poll[T]) winner() (best T, ok bool) {
	for what, peers := range p.cast {
		if p.up[what] && (!ok || wins(peers, p.cast[best])) {
			best, ok = what, true
		}
	}
	return best, ok
}

// wins reports whether the peers of one side outvote those of the other.
func wins(x, y []int) bool {
	if len(x) != len(y) {
		return len(x) > len(y)
	}
	return slices.Min(x) < slices.Min(y)
}
