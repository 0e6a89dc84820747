package peer

import (
	"io"
	"time"

	"chunkcp/internal/tree"
)

// destination is where the bytes of a fetch go. What is said to be called under
// the lock is called with Fetch.mu held, and must not wait.
type destination interface {
	// begin makes ready for a file of size bytes and returns what its pieces are
	// written to, by any goroutine, before they count. It is called under the
	// lock, which it may give up for as long as the disk takes (Fetch.beginning),
	// and again if the peers agree on a file of another size.
	begin(f *Fetch, size int64) (io.WriterAt, error)

	// quick reports whether writing a piece now is likely to take no longer than
	// copying it.
	quick(now time.Time) bool

	// keep takes a piece that has been written and now counts. It gives the piece
	// back to the pool when it is done with it. It is called under the lock.
	keep(f *Fetch, p *piece, h tree.Hash)

	// heard is called under the lock when more hashes are known.
	heard(f *Fetch)

	// lose is called under the lock when a piece that was kept proves wrong. It
	// fails if that cannot be undone.
	lose(f *Fetch, i int64) error

	// run does what goes on in the background until stop is closed.
	run(f *Fetch, stop <-chan struct{})

	// end ends what was begun, whole if err, the outcome of the fetch, is nil. It
	// returns err, or what went wrong at the end.
	end(err error) error
}
