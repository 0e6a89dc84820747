package peer

import (
	"cmp"
	"net/netip"
	"slices"

	"chunkcp/internal/secure"
)

const (
	// maxUnhashed is how many files may wait to be hashed (arbitrary). One that
	// finds no place tries again whenever its session wakes.
	maxUnhashed = 256

	// hashSlice is how many pieces of a file are hashed before others that wait have
	// their turn. Arbitrary: a disk that turns reads them in 100 ms, and takes 10
	// to go elsewhere.
	hashSlice = 16

	// maxTurns bounds the clients whose turns are remembered: as many as there are
	// sessions. Beyond that all are forgotten.
	maxTurns = maxServed
)

// hashQueue is the files that wait to be hashed. Who waits longest for a turn is
// next: addresses first, because keys cost nothing, then the keys behind one, and
// of one client's files the one that is done soonest. So a client with large files,
// or with many, slows its own, and nobody's are put off without end.
type hashQueue struct {
	files  []*hashedFile
	turn   uint64                      // the last
	byAddr map[netip.Addr]uint64       // the turn that each had last
	byKey  map[secure.PublicKey]uint64 // likewise
}

func newHashQueue() hashQueue {
	return hashQueue{byAddr: map[netip.Addr]uint64{}, byKey: map[secure.PublicKey]uint64{}}
}

// hasRoom reports whether another file of h may wait: no client has more than it
// leaves free (as in openfiles.go).
func (q *hashQueue) hasRoom(h holder) bool {
	addr, key := 0, 0
	for _, t := range q.files {
		if t.asker.addr == h.addr {
			addr++
		}
		if t.asker.key == h.key {
			key++
		}
	}
	return max(addr, key) < maxUnhashed-len(q.files)
}

func (q *hashQueue) add(t *hashedFile) { q.files = append(q.files, t) }

// take returns the file whose turn it is, nil if none waits.
func (q *hashQueue) take() *hashedFile {
	if len(q.files) == 0 {
		return nil
	}
	t := slices.MinFunc(q.files, func(a, b *hashedFile) int {
		return cmp.Or(q.compare(a.asker, b.asker), cmp.Compare(a.list.Len()-a.list.Known(), b.list.Len()-b.list.Known()))
	})
	q.files = slices.DeleteFunc(q.files, func(x *hashedFile) bool { return x == t })
	if len(q.byAddr) >= maxTurns || len(q.byKey) >= maxTurns {
		clear(q.byAddr)
		clear(q.byKey)
	}
	q.turn++
	q.byAddr[t.asker.addr], q.byKey[t.asker.key] = q.turn, q.turn
	return t
}

// compare orders clients by how long they have had no turn, the longest first.
func (q *hashQueue) compare(a, b holder) int {
	return cmp.Or(cmp.Compare(q.byAddr[a.addr], q.byAddr[b.addr]), cmp.Compare(q.byKey[a.key], q.byKey[b.key]))
}
