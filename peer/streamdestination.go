package peer

import (
	"errors"
	"fmt"
	"io"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/tree"
)

// streamPieces is how many pieces a stream holds at the most between the first
// that has not been written and the last that may be asked for. The rest of the
// pool is for copies of the same piece from two peers.
const streamPieces = maxPieces * 3 / 4

// maxUnstored is the longest file that is fetched where no disk bounds the size that
// a peer tells: its hashes take 512 MiB. Arbitrary; ext4 has no longer files.
const maxUnstored = 16 << 40

var errTooLong = errors.New("a file of more than 16 TiB is fetched to a disk only")

// streamDestination writes a file in order, each piece once it is verified
// against the lead's hashes: what goes out is one peer's file all along.
type streamDestination struct {
	out  io.Writer
	next int64 // the first piece that has not been handed to the writer

	parked map[int64]parked // kept, not handed on
	ready  chan *piece      // its capacity is what can be parked: sending never waits
}

// parked is a piece that waits for its turn.
type parked struct {
	*piece
	hash tree.Hash
}

func newStreamDestination(out io.Writer) *streamDestination {
	return &streamDestination{out: out, parked: map[int64]parked{}, ready: make(chan *piece, maxPieces)}
}

// nowhere takes what is written only once it is kept.
type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// begin implements destination.
func (d *streamDestination) begin(f *Fetch, size int64) (io.WriterAt, error) {
	if d.next > 0 {
		return nil, errOutputGone
	}
	if size > maxUnstored {
		return nil, errTooLong
	}
	for i, p := range d.parked {
		delete(d.parked, i)
		f.pool.put(p.piece)
	}
	f.assign.Window(streamPieces * assign.PieceBytes)
	return nowhere{}, nil
}

// errOutputGone is the end of a stream of which what was written proves wrong.
var errOutputGone = fmt.Errorf("%w: what was written to the output is not the file that they agree on", ErrPeersDisagree)

// quick implements destination.
func (d *streamDestination) quick(time.Time) bool { return true }

// keep implements destination.
func (d *streamDestination) keep(f *Fetch, p *piece, h tree.Hash) {
	d.parked[assign.PieceIndex(p.data.Start)] = parked{p, h}
	d.heard(f)
}

// heard implements destination: it hands on what is next and verified. Where a
// hash is pinned that is by the hash: the lead's word for a piece is worth as much
// only once its list is whole.
func (d *streamDestination) heard(f *Fetch) {
	if f.opt.Hash != nil && !f.manifest.sealed(*f.opt.Hash) {
		return
	}
	for {
		p, here := d.parked[d.next]
		if !here || f.manifest.judge(d.next, p.hash) != right {
			return
		}
		delete(d.parked, d.next)
		d.next++
		f.writing++
		d.ready <- p.piece
	}
}

// lose implements destination.
func (d *streamDestination) lose(f *Fetch, i int64) error {
	p, here := d.parked[i]
	if !here {
		return errOutputGone
	}
	delete(d.parked, i)
	f.pool.put(p.piece)
	return nil
}

// run implements destination: it writes.
func (d *streamDestination) run(f *Fetch, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case p := <-d.ready:
			if _, err := d.out.Write(p.buf[:p.data.Len()]); err != nil {
				f.end(&OutputError{err})
				return
			}
			f.streamed(p)
		}
	}
}

// streamed notes that p is written, and lets the window go on.
func (f *Fetch) streamed(p *piece) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing--
	f.written += p.data.Len()
	f.assign.Window(p.data.End + streamPieces*assign.PieceBytes)
	f.pool.put(p)
	f.wakeAll()
	f.settle()
}

// end implements destination.
func (d *streamDestination) end(err error) error { return err }

// OutputError is a failure to write to FetchOptions.Stream.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return "output: " + e.Err.Error() }
func (e *OutputError) Unwrap() error { return e.Err }

// nullDestination is for who wants to know of a file only.
type nullDestination struct{}

var errNoBytes = errors.New("BUG: bytes of a file that was not asked for")

func (nullDestination) begin(f *Fetch, size int64) (io.WriterAt, error) {
	if size > maxUnstored {
		return nil, errTooLong
	}
	f.assign.Window(0)
	return nowhere{}, nil
}
func (nullDestination) quick(time.Time) bool           { return true }
func (nullDestination) keep(*Fetch, *piece, tree.Hash) { panic(errNoBytes) }
func (nullDestination) heard(*Fetch)                   {}
func (nullDestination) lose(*Fetch, int64) error       { return errNoBytes }
func (nullDestination) run(*Fetch, <-chan struct{})    {}
func (nullDestination) end(err error) error            { return err }
