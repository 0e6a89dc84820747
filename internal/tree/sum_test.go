package tree

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
	"lukechampine.com/blake3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSumTellsEachPiece(t *testing.T) {
	data := content(5*PieceBytes + 17)
	told := NewList(int64(len(data)))
	var running atomic.Int32
	root, err := Sum(context.Background(), bytes.NewReader(data), told.Size(), func(i int64, h Hash) {
		if running.Add(1) != 1 {
			t.Error("two calls at once")
		}
		if _, known := told.Get(i); known {
			t.Errorf("piece %d was told twice", i)
		}
		runtime.Gosched() // for another call to begin, if it may
		told.Set(i, h)
		running.Add(-1)
	})
	if err != nil || root != Hash(blake3.Sum256(data)) {
		t.Fatalf("root %v, %v", root, err)
	}
	if rootOf(t, told) != root {
		t.Error("what was told has another root")
	}
}

func TestSumOfLessThanWasSaid(t *testing.T) {
	data := content(3*PieceBytes + 17)
	for _, short := range []int64{1, 17, 18, PieceBytes, 3*PieceBytes + 17} {
		r := bytes.NewReader(data[:int64(len(data))-short])
		if root, err := Sum(context.Background(), r, int64(len(data)), nil); !errors.Is(err, io.ErrUnexpectedEOF) || root != (Hash{}) {
			t.Errorf("%d bytes too short: %v, %v", short, root, err)
		}
	}
	// What follows the size is no matter.
	if root, err := Sum(context.Background(), bytes.NewReader(data), PieceBytes+1, nil); err != nil || root != Hash(blake3.Sum256(data[:PieceBytes+1])) {
		t.Errorf("a longer file: %v, %v", root, err)
	}
}

func TestSumOfWhatCannotBeRead(t *testing.T) {
	broken := errors.New("the disk is on fire")
	r := failing{bytes.NewReader(content(4 * PieceBytes)), 2 * PieceBytes, broken}
	_, err := Sum(context.Background(), r, 4*PieceBytes, nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "at 2097152") {
		t.Errorf("the error is %v", err)
	}
}

// failing is a reader that fails at one offset.
type failing struct {
	io.ReaderAt
	at  int64
	err error
}

func (f failing) ReadAt(p []byte, offset int64) (int, error) {
	if offset == f.at {
		return iotest.ErrReader(f.err).Read(p)
	}
	return f.ReaderAt.ReadAt(p, offset)
}

// A reader may say at once that what it has read is the last there is.
func TestSumTakesEndOfFileWithTheLastBytes(t *testing.T) {
	data := content(PieceBytes + 5)
	r := eager{bytes.NewReader(data)}
	if root, err := Sum(context.Background(), r, r.Size(), nil); err != nil || root != Hash(blake3.Sum256(data)) {
		t.Errorf("%v, %v", root, err)
	}
}

// eager is a reader that tells the end of the file with the last bytes.
type eager struct{ *bytes.Reader }

func (e eager) ReadAt(p []byte, offset int64) (int, error) {
	n, err := e.Reader.ReadAt(p, offset)
	if offset+int64(n) == e.Size() {
		err = io.EOF
	}
	return n, err
}

// TestSumStops cancels while the third piece is told, and counts what is begun
// afterwards: each goroutine may be within one piece.
func TestSumStops(t *testing.T) {
	const pieces = 1000
	ctx, cancel := context.WithCancel(context.Background())
	told := 0
	_, err := Sum(ctx, endless{}, pieces*PieceBytes, func(int64, Hash) {
		if told++; told == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if told < 3 || told > 3+64 { // 64: more than goroutines, on most machines
		t.Errorf("%d pieces were hashed, cancelled at 3", told)
	}
	if _, err := Sum(ctx, endless{}, 0, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("begun when all was over: %v", err)
	}
}

// endless is a file of zeros.
type endless struct{}

func (endless) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

func BenchmarkSum(b *testing.B) {
	data := content(64 * PieceBytes)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Sum(context.Background(), bytes.NewReader(data), int64(len(data)), nil); err != nil {
			b.Fatal(err)
		}
	}
}
