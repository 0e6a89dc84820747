package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Sum hashes the size bytes of r with as many goroutines as GOMAXPROCS says,
// piece by piece, and returns the root. each, which may be nil, is told the hash
// of every piece, in any order, one call at a time. It reads a piece at once, so
// memory is a MiB for each goroutine and 32 bytes for each piece.
//
// The error is io.ErrUnexpectedEOF where r ends before size, the context's where
// that is done: no goroutine then begins another piece. All of them have ended
// when Sum returns.
func Sum(ctx context.Context, r io.ReaderAt, size int64, each func(i int64, h Hash)) (Hash, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := summer{r: r, list: NewList(size), each: each}
	var workers sync.WaitGroup
	for range min(int64(runtime.GOMAXPROCS(0)), s.list.Len()) {
		workers.Go(func() {
			if err := s.work(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	root, ok := s.list.Root()
	if !ok {
		return Hash{}, context.Cause(ctx)
	}
	return root, nil
}

// summer is one call of Sum.
type summer struct {
	r    io.ReaderAt
	next atomic.Int64 // the piece that nobody has begun

	mu   sync.Mutex // for what follows
	list *List
	each func(i int64, h Hash)
}

// work hashes pieces until there are none left.
func (s *summer) work(ctx context.Context) error {
	pieces, size := s.list.Len(), s.list.Size()
	buffer := make([]byte, min(PieceBytes, size))
	for {
		i := s.next.Add(1) - 1
		if i >= pieces {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		data := buffer[:min(PieceBytes, size-i*PieceBytes)]
		if err := readFull(s.r, data, i*PieceBytes); err != nil {
			return fmt.Errorf("read %d bytes at %d: %w", len(data), i*PieceBytes, err)
		}
		s.done(i, PieceHash(data, i, pieces))
	}
}

func (s *summer) done(i int64, h Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list.Set(i, h)
	if s.each != nil {
		s.each(i, h)
	}
}

// readFull fills data with what r has at offset.
func readFull(r io.ReaderAt, data []byte, offset int64) error {
	n, err := r.ReadAt(data, offset)
	if n == len(data) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
