package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/partfile"
	"chunkcp/internal/rangeset"
)

// sparseDisk is the host's disk with no space behind what is allocated, and a
// part file that is read at a gigabyte a second.
type sparseDisk struct {
	fullDisk
	reads *atomic.Int64 // pieces of the part file
}

func (d sparseDisk) Open(name string) (partfile.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	return sparseFile{f, d.reads}, err
}

type sparseFile struct {
	*os.File
	reads *atomic.Int64
}

func (sparseFile) Lock() error                 { return nil }
func (f sparseFile) Allocate(size int64) error { return f.Truncate(size) }

func (f sparseFile) ReadAt(b []byte, off int64) (int, error) {
	if strings.HasSuffix(f.Name(), "-part") {
		f.reads.Add(1)
		time.Sleep(time.Millisecond)
	}
	return f.File.ReadAt(b, off)
}

// TestResumeOfALargeFile: a fetch of 100 GiB of which two pieces are missing
// asks for the first of them as soon as it knows which file it is. Neither side
// waits for a pass over the file.
func TestResumeOfALargeFile(t *testing.T) {
	const (
		records = 102_400
		size    = (records + 2) * int64(assign.PieceBytes)
		missing = int64(51_234) // and the last one
	)
	if runtime.GOOS == "windows" {
		t.Skip("files have no holes here unless they are told to")
	}
	dir := t.TempDir()
	var reads atomic.Int64
	disk, out := sparseDisk{reads: &reads}, filepath.Join(dir, "out.bin")
	leaveAllBut(t, disk, out, size, missing, size/assign.PieceBytes-1)

	began := time.Now()
	inWorld(t, 1, 1, 0, storyLink, func(w *world) {
		s := w.servers[0]
		if err := os.Truncate(filepath.Join(s.root, fileName), size); err != nil {
			w.t.Skipf("no room for a sparse file of %d bytes: %v", size, err)
		}
		s.hashPause = func() { time.Sleep(time.Millisecond) }
		gets := w.logOf(s, "get")
		ctx, cancel := context.WithCancelCause(context.Background())
		w.watch(func() bool {
			if len(gets()) > 0 {
				cancel(errEnough)
				return false
			}
			return true
		})
		w.after(5*time.Minute, func() { cancel(errors.New("nothing was asked for")) })
		o := w.options()
		o.Out, o.Disk = out, disk
		start := time.Now()
		if _, err := Run(ctx, o); !errors.Is(err, errEnough) {
			w.t.Fatal(err)
		}
		first := rangeset.Range{Start: missing * assign.PieceBytes, End: (missing + 1) * assign.PieceBytes}
		if got := gets()[0].ContextMap()["range"]; got != first.String() {
			w.t.Errorf("the first request is for %v, want %v", got, first)
		}
		after := gets()[0].Time.Sub(start)
		w.t.Logf("asked for %v after %v, with %d pieces read", first, after, reads.Load())
		within(w.t, "the request", after, 200*time.Millisecond) // five round trips of 20 ms, and as much again
		if n := reads.Load(); n == 0 || n > records/100 {
			w.t.Errorf("%d pieces were read by then, or soon after", n)
		}
	})
	took := time.Since(began)
	t.Logf("%v on the clock of this machine", took)
	within(t, "all of it", took, 10*time.Second)
}

// leaveAllBut makes what a fetch leaves that has all pieces but some.
func leaveAllBut(t *testing.T, disk partfile.FS, out string, size int64, missing ...int64) {
	t.Helper()
	p, err := partfile.Create(out, size, partfile.Option{FS: disk})
	if err != nil {
		t.Skipf("no room for a sparse file of %d bytes: %v", size, err)
	}
	defer p.Close()
	absent := map[int64]bool{}
	for _, i := range missing {
		absent[i] = true
	}
	for i := range size / assign.PieceBytes {
		if !absent[i] {
			p.Note(partfile.Record{Piece: i})
		}
	}
	if err := p.Checkpoint(); err != nil {
		t.Fatal(err)
	}
}
