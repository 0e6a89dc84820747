package peer

import (
	"context"
	"io"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
)

// Seed is a file of this host that has pieces of the wanted one: they are
// copied, not fetched.
type Seed struct {
	File   io.ReaderAt
	Pieces rangeset.Set // whole pieces, by byte
}

// source is where pieces are that need not be fetched.
type source struct {
	file       io.ReaderAt
	pieces     rangeset.Set
	generation int
	target     io.WriterAt // what they are written to; nil: the file under way
}

// recall takes pieces that are here already, in what the fetch writes to, and
// those of the seed out of what is to be fetched: they count once they have been
// read and hashed. It is called under the lock.
func (f *Fetch) recall(here io.ReaderAt, had *rangeset.Set) {
	sources := []*source{{file: here, pieces: *had, generation: f.generation, target: nowhere{}}}
	if s := f.opt.Seed; s != nil {
		copied := &source{file: s.File, generation: f.generation}
		for _, r := range s.Pieces.Ranges() {
			for _, m := range had.Missing(r.Intersect(rangeset.Range{End: f.size})) {
				copied.pieces.Add(m)
			}
		}
		sources = append(sources, copied)
	}
	for _, s := range sources {
		for _, r := range s.pieces.Ranges() {
			f.assign.Have(r)
		}
	}
	ctx := f.ctx
	f.running.Go(func() { f.contain("what is here already", func() { f.rereadAll(ctx, sources) }) })
}

func (f *Fetch) rereadAll(ctx context.Context, sources []*source) {
	for _, s := range sources {
		for _, r := range s.pieces.Ranges() {
			for i := assign.PieceIndex(r.Start); i*assign.PieceBytes < r.End; i++ {
				if ctx.Err() != nil || !f.reread(s, i) {
					return
				}
			}
		}
	}
}

// reread reads piece i and delivers it as if a peer had sent it. It reports
// whether to go on. What cannot be read, or proves wrong, is fetched.
func (f *Fetch) reread(s *source, i int64) bool {
	p := f.borrow(s, i)
	if p == nil {
		return false
	}
	if _, err := s.file.ReadAt(p.buf[:p.data.Len()], p.data.Start); err != nil {
		f.log.Info("a piece that should be here cannot be read", zap.Int64("piece", i), zap.Error(err))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.writing--
		f.pool.put(p)
		if p.generation == f.generation {
			f.reject(i, fromHere)
		}
		return true
	}
	if err := f.deliver(p); err != nil {
		f.end(err)
		return false
	}
	return true
}

// borrow returns the memory for piece i, nil if the file is no longer wanted.
func (f *Fetch) borrow(s *source, i int64) *piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.generation != s.generation {
		return nil
	}
	p := f.pool.get(assign.PieceRange(i, f.size), true) // one at a time: it may pass the limit
	p.generation, p.of, p.from, p.target = s.generation, f.size, fromHere, s.target
	if p.target == nil {
		p.target = f.target
	}
	f.writing++
	return p
}
