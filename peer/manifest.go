package peer

import "chunkcp/internal/tree"

// verdict is what the hashes that are known say of a piece.
type verdict int

const (
	open  verdict = iota // its hash is not known yet
	right                // it is the one that is known
	wrong
)

// manifest holds the hashes of the pieces: of those that are here, and of those
// that a peer, the lead, says its file has. It is sans-IO.
//
// The lead's word alone proves nothing. Its list is sealed once all of it is
// known and combines to the root that was agreed on; until then a piece that
// differs shows only that two peers do. What ends a fetch is that the hashes of
// what is here combine to that root, whoever told what.
type manifest struct {
	mine hashList
	list hashList
	from map[int64]int // the peer that gave a piece which is here, or fromSeveral; none: fromHere
}

func newManifest(size int64) *manifest {
	return &manifest{mine: newHashList(size), list: newHashList(size), from: map[int64]int{}}
}

// judge compares a piece's hash with the lead's.
func (m *manifest) judge(i int64, h tree.Hash) verdict {
	want, known := m.list.Get(i)
	switch {
	case !known:
		return open
	case want != h:
		return wrong
	}
	return right
}

// keep notes a piece that is here now.
func (m *manifest) keep(i int64, h tree.Hash, from int) {
	m.mine.set(i, h)
	if from != fromHere {
		m.from[i] = from
	}
}

// lose forgets a piece and returns which peer gave it, fromSeveral, or fromHere.
func (m *manifest) lose(i int64) int {
	from, ok := m.from[i]
	if !ok {
		from = fromHere
	}
	delete(m.from, i)
	m.mine.unset(i)
	return from
}

// heard takes hashes from the lead, those of pieces first and on, and returns
// which of these are here and differ, and whether any was news. What it told
// before it cannot take back. The list grows from its beginning on only: a
// stranger who chooses where it grows has a page of it allocated for each hash,
// and has pieces judged by a list whose beginning was never held against what
// was written.
func (m *manifest) heard(first int64, hashes [][32]byte) (differ []int64, news bool) {
	if next, more := m.list.NextUnknown(0); !more || first > next {
		return nil, false // what was asked for in an earlier reign, perhaps
	}
	for n, h := range hashes {
		i := first + int64(n)
		if i >= m.list.Len() {
			break
		}
		if _, known := m.list.Get(i); known {
			continue
		}
		m.list.set(i, h)
		news = true
		if mine, here := m.mine.Get(i); here && mine != h {
			differ = append(differ, i)
		}
	}
	return differ, news
}

// follow begins the list anew: another peer leads.
func (m *manifest) follow() { m.list = newHashList(m.mine.Size()) }

// complete returns the root of what is here, false while a piece is missing.
func (m *manifest) complete() (tree.Hash, bool) { return m.mine.combined() }

// sealed reports whether the list is that of the file with this root.
func (m *manifest) sealed(root tree.Hash) bool {
	r, ok := m.list.combined()
	return ok && r == root
}

// endIsHere reports whether the last piece is here, which shows how long the file
// is if the list is sealed: one that differs would have been lost.
func (m *manifest) endIsHere() bool {
	_, here := m.mine.Get(m.mine.Len() - 1)
	return here
}

// hashList is a list that combines its hashes no more often than they change.
type hashList struct {
	*tree.List
	root  tree.Hash
	fresh bool
}

// newHashList returns a list of which nothing is known but what everybody knows:
// the hash of no bytes.
func newHashList(size int64) hashList {
	l := hashList{List: tree.NewList(size)}
	if size == 0 {
		l.set(0, tree.PieceHash(nil, 0, 1))
	}
	return l
}

func (l *hashList) set(i int64, h tree.Hash) { l.Set(i, h); l.fresh = false }
func (l *hashList) unset(i int64)            { l.Unset(i); l.fresh = false }

func (l *hashList) combined() (tree.Hash, bool) {
	if l.Known() < l.Len() {
		return tree.Hash{}, false
	}
	if !l.fresh {
		l.root, l.fresh = l.Root()
	}
	return l.root, l.fresh
}
