package peer

import (
	"net/netip"
	"sync"

	"chunkcp/internal/secure"
)

// maxOpenFiles bounds the files that all sessions of a server hold open.
// Arbitrary: one for each session, and some.
const maxOpenFiles = 16_384

// openFileLimit returns how many files a server may hold open: an eighth of the
// descriptors that the system gives the process is left to sockets and the rest.
func openFileLimit() int {
	n := descriptorLimit()
	return int(min(maxOpenFiles, n-n/8))
}

// fileShares counts the open files of a server by whose sessions have them.
type fileShares struct {
	most int // of all

	mu     sync.Mutex
	byAddr map[netip.Addr]int
	byKey  map[secure.PublicKey]int
}

func newFileShares(most int) *fileShares {
	return &fileShares{most: most, byAddr: map[netip.Addr]int{}, byKey: map[secure.PublicKey]int{}}
}

// take counts one more file of h, where open are open altogether, unless h then
// had more than it leaves free: so some stay free for others however many do
// their worst (Choudhury and Hahne, as in admission.go). Keys cost nothing, so an
// address has a share too.
func (s *fileShares) take(h holder, open int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if max(s.byAddr[h.addr], s.byKey[h.key]) >= s.most-open {
		return false
	}
	s.byAddr[h.addr]++
	s.byKey[h.key]++
	return true
}

// give counts one file of h less.
func (s *fileShares) give(h holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.subtract(s.byAddr, s.byKey)
}

// takeFor opens a file for a session of h; giveBack closes it.
func (r *root) takeFor(h holder, name string) (*servedFile, error) {
	if !r.shares.take(h, int(r.open.Load())) {
		return nil, errManyFiles
	}
	f, err := r.take(name)
	if err != nil {
		r.shares.give(h)
	}
	return f, err
}

func (r *root) giveBack(h holder, f *servedFile) {
	r.shares.give(h)
	f.close()
}
