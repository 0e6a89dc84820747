package peer

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/partfile"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
)

const (
	// checkpointTime is how often what was written is made safe, and
	// checkpointBytes how much may be unsafe at once: more has to wait. What a
	// crash costs is bounded by both. Arbitrary; syncing 64 MiB takes a good disk
	// some 100 ms.
	checkpointTime  = time.Second
	checkpointBytes = 64 << 20

	// slowWrite is how long a piece may take to write before the disk is taken to
	// be busy, for slowPause. To copy it takes under a millisecond; the rest is for
	// a host whose CPUs are. Arbitrary, both.
	slowWrite = 20 * time.Millisecond
	slowPause = 5 * time.Second
)

// fileDestination is a file of this host: a part file until it is whole.
type fileDestination struct {
	path string
	opt  partfile.Option
	log  *zap.Logger

	part    *partfile.Part // guarded by Fetch.mu; nil before the first begin
	written chan struct{}  // a token for each piece that was written and is not safe
	full    chan struct{}  // capacity 1: half the tokens are taken
	slowAt  atomic.Int64   // when a piece last took long to write, in Unix nanoseconds
	lost    bool           // resume is: the journal failed
}

func newFileDestination(opt FetchOptions) *fileDestination {
	return &fileDestination{
		path: opt.Out, log: opt.Log,
		opt:     partfile.Option{NoClobber: opt.NoClobber, FS: opt.Disk, Restart: opt.Restart},
		written: make(chan struct{}, checkpointBytes/assign.PieceBytes),
		full:    make(chan struct{}, 1),
	}
}

// partWriter writes to one part file, and waits where the disk does not keep up.
type partWriter struct {
	*partfile.Part
	dest *fileDestination
}

func (w partWriter) WriteAt(b []byte, offset int64) (int, error) {
	began := time.Now()
	w.dest.written <- struct{}{}
	if len(w.dest.written) > cap(w.dest.written)/2 {
		select {
		case w.dest.full <- struct{}{}:
		default:
		}
	}
	n, err := w.Part.WriteAt(b, offset)
	if now := time.Now(); now.Sub(began) > slowWrite {
		w.dest.slowAt.Store(now.UnixNano())
	}
	return n, err
}

// quick implements destination: not where checkpoints fall behind, nor soon after
// the disk has taken long.
func (d *fileDestination) quick(now time.Time) bool {
	return len(d.written) <= cap(d.written)*3/4 && now.UnixNano()-d.slowAt.Load() > int64(slowPause)
}

// begin implements destination. Pieces of an earlier run count once they have
// been read and hashed. To reserve space may take long, and somebody who tells a
// size must not hold up the sessions with others by that.
func (d *fileDestination) begin(f *Fetch, size int64) (io.WriterAt, error) {
	before := d.part
	d.part = nil
	f.mu.Unlock()
	part, err := d.create(before, size)
	f.mu.Lock()
	if err != nil {
		return nil, err
	}
	d.part = part
	var had rangeset.Set
	for _, r := range part.Resumed() {
		had.Add(assign.PieceRange(r.Piece, size))
	}
	f.recall(part, &had)
	return partWriter{part, d}, nil
}

// create makes the part file for a file of size bytes, in place of the one before
// if there is one.
func (d *fileDestination) create(before *partfile.Part, size int64) (*partfile.Part, error) {
	opt := d.opt
	if before != nil {
		if err := leavePart(before); err != nil {
			return nil, err
		}
		opt.Restart = false // what this run has left is as good as an earlier one's
	}
	return partfile.Create(d.path, size, opt)
}

// keep implements destination.
func (d *fileDestination) keep(f *Fetch, p *piece, h tree.Hash) {
	if p.target != (nowhere{}) { // else it is in the journal already
		d.part.Note(partfile.Record{Piece: assign.PieceIndex(p.data.Start), Hash: h})
	}
	f.written += p.data.Len()
	f.pool.put(p)
}

// heard implements destination.
func (d *fileDestination) heard(*Fetch) {}

// lose implements destination.
func (d *fileDestination) lose(f *Fetch, i int64) error {
	f.written -= assign.PieceRange(i, f.size).Len()
	return nil
}

// run implements destination: it makes safe what was written.
func (d *fileDestination) run(f *Fetch, stop <-chan struct{}) {
	ticker := time.NewTicker(checkpointTime)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		case <-d.full:
		}
		f.contain("a checkpoint", func() {
			if err := d.checkpoint(f); err != nil {
				f.end(err)
			}
		})
	}
}

// checkpoint makes safe what was written so far. A journal that fails costs
// only the resume.
func (d *fileDestination) checkpoint(f *Fetch) error {
	f.mu.Lock()
	part := d.part
	f.mu.Unlock()
	if part == nil {
		return nil
	}
	n := len(d.written)
	defer func() { // whatever came of it, or writers would wait for ever
		for range n {
			<-d.written
		}
	}()
	err := part.Checkpoint()
	switch {
	case errors.Is(err, partfile.ErrJournal):
		if !d.lost {
			d.lost = true
			d.log.Warn("this fetch could not be resumed", zap.Error(err))
		}
		return nil
	case errors.Is(err, fs.ErrClosed): // another file was begun meanwhile
		return nil
	}
	return err
}

// end implements destination.
func (d *fileDestination) end(err error) error {
	switch {
	case d.part == nil:
		return err
	case err != nil:
		return errors.Join(err, leavePart(d.part))
	}
	return d.part.Commit()
}

// leavePart leaves a part file for a later run, if there is something in it: a size
// that a peer has told is no reason to keep a disk full.
func leavePart(p *partfile.Part) error {
	if p.Worthless() {
		return p.Discard()
	}
	return p.Close()
}
