package partfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// pattern returns n bytes that depend on their position.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

func create(t *testing.T, dest string, size int, opt Option) *Part {
	t.Helper()
	p, err := Create(dest, int64(size), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// put makes a file.
func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, p *Part, content string) {
	t.Helper()
	if _, err := p.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %.80q, want %.80q", path, got, want)
	}
}

// wantNames checks that dir holds exactly these names.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestManyWritersOneFile(t *testing.T) {
	const piece = 1000
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	put(t, dest, "old")
	data := pattern(64*piece + 1)
	p := create(t, dest, len(data), Option{})

	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for off := w * piece; off < len(data); off += 8 * piece {
				if _, err := p.WriteAt(data[off:min(off+piece, len(data))], int64(off)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	wantContent(t, dest, "old")
	wantNames(t, dir, ".file.chunkcp-part", "file")

	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, string(data))
	wantNames(t, dir, "file")
}

func TestEmptyFile(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 0, Option{})
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "")
}

func TestWriteOutsideTheFileSpoilsIt(t *testing.T) {
	for _, off := range []int64{-1, 8, 11, 1<<63 - 1} {
		dest := filepath.Join(t.TempDir(), "file")
		p := create(t, dest, 10, Option{})
		if n, err := p.WriteAt([]byte("abc"), off); n != 0 || err == nil || !strings.Contains(err.Error(), "outside the file's 10") {
			t.Errorf("WriteAt(3 bytes, %d) = %d, %v; want a refusal", off, n, err)
		}
		_, first := p.WriteAt([]byte("abc"), 0)
		if err := p.Commit(); err == nil || !errors.Is(err, first) {
			t.Errorf("Commit = %v, want the first error: %v", err, first)
		}
		if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("destination after a failed commit: %v", err)
		}
	}
}

// A write that comes after the rename would reach a file that users see.
func TestNothingWorksAfterTheEnd(t *testing.T) {
	ends := map[string]func(*Part) error{
		"commit": (*Part).Commit, "close": (*Part).Close, "discard": (*Part).Discard,
	}
	for name, end := range ends {
		p := create(t, filepath.Join(t.TempDir(), "file"), 3, Option{})
		write(t, p, "new")
		if err := end(p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := p.WriteAt([]byte("bad"), 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("WriteAt after %s = %v, want ErrClosed", name, err)
		}
		if err := p.Commit(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Commit after %s = %v, want ErrClosed", name, err)
		}
		if err := p.Discard(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Discard after %s = %v, want ErrClosed", name, err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("Close after %s = %v, want nil", name, err)
		}
		if name == "commit" {
			wantContent(t, p.dest, "new")
		}
	}
}

func TestCloseKeepsAndDiscardRemoves(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	p := create(t, dest, 5, Option{})
	write(t, p, "12345")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, partPath(dest), "12345")

	p = create(t, dest, 3, Option{})
	wantContent(t, partPath(dest), "123")
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir)
}

func TestWriteAtDoesNotAllocate(t *testing.T) {
	p := create(t, filepath.Join(t.TempDir(), "file"), 4096, Option{})
	b := pattern(4096)
	allocs := testing.AllocsPerRun(100, func() { _, _ = p.WriteAt(b, 0) })
	if allocs != 0 {
		t.Errorf("%v allocations for each write, want 0", allocs)
	}
}

func BenchmarkWriteAt(b *testing.B) {
	const size, piece = 64 << 20, 256 << 10 // in the page cache; 256 KiB as a fetch writes
	p, err := Create(filepath.Join(b.TempDir(), "file"), size, Option{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Discard()
	data := pattern(piece)
	b.SetBytes(piece)
	off := int64(0)
	for b.Loop() {
		if _, err := p.WriteAt(data, off); err != nil {
			b.Fatal(err)
		}
		off = (off + piece) % size
	}
}
