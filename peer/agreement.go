package peer

import (
	"maps"
	"slices"

	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
)

// claim is what a peer says of its file.
type claim struct {
	by      secure.PublicKey // who has a key has one vote, at however many addresses
	size    int64
	root    tree.Hash
	rooted  bool // it has told the root
	waiting bool // it is alive and may still tell it
	caught  bool // a piece that it sent was wrong: its word counts only beside another's
}

// agreement decides which is the file, where peers have different ones under its
// name: the pinned hash, else the majority, else the first in the config. It is
// sans-IO.
//
// To say that one has the pinned hash's file costs nothing, so it is no reason to
// be believed: to say that one has another is one not to be. With a pinned hash the
// sizes that are claimed have their turns, until one is shown (proof.go).
type agreement struct {
	pinned *tree.Hash
	claims map[int]*claim // by the peer's place in the config
	left   int64          // size of what an earlier run has left; -1: nothing is
	shown  int64          // size that the pinned hash's file is known to have; -1: not known
	turns  map[int64]int  // how often a size has been passed over
	unfit  map[int64]bool // sizes for which this host has no room
}

func newAgreement(pinned *tree.Hash) *agreement {
	return &agreement{pinned: pinned, claims: map[int]*claim{}, left: -1, shown: -1, turns: map[int64]int{}, unfit: map[int64]bool{}}
}

// answered notes the size of a peer's file, which has the key. One that has changed
// is another file.
func (a *agreement) answered(peer int, key secure.PublicKey, size int64) {
	if c := a.claims[peer]; c != nil && c.size == size && c.by == key {
		c.waiting = true
		return
	}
	a.claims[peer] = &claim{by: key, size: size, waiting: true}
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

// show notes that the pinned hash's file has this size.
func (a *agreement) show(size int64) { a.shown = size }

// passOver gives other sizes their turn: nothing has come of this one.
func (a *agreement) passOver(size int64) { a.turns[size]++ }

// refuse notes that this host has no room for a file of that size.
func (a *agreement) refuse(size int64) { a.unfit[size] = true }

// size returns the size to fetch, as far as is known; false if nobody has told
// one that can be. With a pinned hash it may prove wrong, and what an earlier run
// has left is tried first and given up only for what is shown. Without one, the
// size that more than half have is the file's, whether or not there is room.
func (a *agreement) size() (int64, bool) {
	if a.shown >= 0 {
		return a.shown, !a.unfit[a.shown]
	}
	votes := a.sizes()
	if a.pinned == nil {
		if size, ok := votes.winner(); ok && a.unfit[size] && 2*len(votes.cast[size]) > votes.all() {
			return 0, false
		}
	}
	votes.drop(func(size int64) bool { return a.unfit[size] })
	if a.pinned != nil && votes.up[a.left] && !a.unfit[a.left] {
		return a.left, true
	}
	fewest := -1
	for size := range votes.cast {
		if n := a.turns[size]; votes.up[size] && (fewest < 0 || n < fewest) {
			fewest = n
		}
	}
	votes.drop(func(size int64) bool { return a.turns[size] > fewest })
	return votes.winner()
}

// contested reports whether the pinned hash's file may have another size.
func (a *agreement) contested(size int64) bool {
	if a.pinned == nil || a.shown >= 0 {
		return false
	}
	votes := a.sizes()
	votes.drop(func(s int64) bool { return s == size || a.unfit[s] || !votes.up[s] })
	return votes.all() > 0
}

// sizes returns who tells which size, but for those who do not even claim to have
// the pinned hash's file.
func (a *agreement) sizes() poll[int64] {
	votes := newPoll[int64]()
	for peer, c := range a.voices(func(c claim) bool { return a.pinned == nil || !c.rooted || c.root == *a.pinned }) {
		votes.add(c.size, peer, c.caught)
	}
	return votes
}

// voices returns the claims that count, one for each key. Of several it is one with a
// root, in the place of the first; caught with one of them, it was caught.
func (a *agreement) voices(counts func(claim) bool) map[int]claim {
	out, places := map[int]claim{}, map[secure.PublicKey]int{}
	for _, peer := range slices.Sorted(maps.Keys(a.claims)) {
		c := *a.claims[peer]
		if !counts(c) {
			continue
		}
		place, again := places[c.by]
		if !again {
			places[c.by], out[peer] = peer, c
			continue
		}
		first := out[place]
		caught := first.caught || c.caught
		if c.rooted && !first.rooted {
			first = c
		}
		first.caught = caught
		out[place] = first
	}
	return out
}

// root returns the root of the file of that size, false while it is open. final
// says that those who have not told theirs are no longer waited for.
func (a *agreement) root(size int64, final bool) (tree.Hash, bool) {
	if a.pinned != nil {
		return *a.pinned, true
	}
	votes, voters := newPoll[tree.Hash](), 0
	for peer, c := range a.voices(func(c claim) bool { return c.size == size && (c.rooted || c.waiting) }) {
		voters++
		if c.rooted {
			votes.add(c.root, peer, c.caught)
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

// drop forgets what is not to be chosen.
func (p poll[T]) drop(unwanted func(T) bool) {
	maps.DeleteFunc(p.cast, func(what T, _ []int) bool { return unwanted(what) })
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
