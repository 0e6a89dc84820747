package peer

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/tree"
)

// write hashes and writes pieces as they are completed.
func (f *Fetch) write(ctx context.Context) {
	for {
		select {
		case p := <-f.writes:
			if err := f.deliver(p); err != nil {
				f.end(err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// deliver brings a piece to where it is to be, unless its hash is known to be
// another one.
func (f *Fetch) deliver(p *piece) error {
	i := assign.PieceIndex(p.data.Start)
	h := p.hasher.Sum(p.buf[:p.data.Len()], i, tree.Pieces(p.of))
	if !f.plausible(p, i, h) {
		return nil
	}
	_, err := p.target.WriteAt(p.buf[:p.data.Len()], p.data.Start)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing--
	switch {
	case p.generation != f.generation:
		f.pool.put(p)
		if errors.Is(err, fs.ErrClosed) {
			err = nil
		}
		return err
	case err != nil:
		f.pool.put(p)
		return err
	case f.manifest.judge(i, h) == wrong: // its hash came meanwhile
		f.reject(i, p.from)
		f.pool.put(p)
		return nil
	}
	f.stuck = time.Time{}
	f.manifest.keep(i, h, p.from)
	f.kept = time.Now()
	if p.from == fromHere {
		f.recalled += p.data.Len()
	}
	f.dest.keep(f, p, h)
	f.wakeStarved()
	f.settle()
	return nil
}

// plausible rejects a piece that is known to be wrong, and forgets one of a file
// that is no longer wanted.
func (f *Fetch) plausible(p *piece, i int64, h tree.Hash) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	stale := p.generation != f.generation
	if !stale && f.manifest.judge(i, h) != wrong {
		return true
	}
	f.writing--
	f.pool.put(p)
	if !stale {
		f.reject(i, p.from)
	}
	return false
}

// wakeStarved lets sessions go on that had no memory.
func (f *Fetch) wakeStarved() {
	for c := range f.sessions {
		if c.starved.Load() {
			c.wake()
		}
	}
}
