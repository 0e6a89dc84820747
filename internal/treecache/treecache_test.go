package treecache

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/internal/tree"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// generator returns a source of random numbers, and prints its seed.
func generator(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// file is a key and the list that belongs to it.
type file struct {
	key  Key
	list *tree.List
}

// newFile returns file number n, of so many pieces, no two alike.
func newFile(n, pieces int) file {
	k := Key{Device: 7, Inode: uint64(n), Size: int64(pieces) * tree.PieceBytes, Modified: 1_700_000_000_000_000_000}
	l := tree.NewList(k.Size)
	for i := range l.Len() {
		l.Set(i, tree.Hash{byte(n), byte(n >> 8), byte(n >> 16), byte(i), byte(i >> 8), byte(i >> 16), 1})
	}
	return file{k, l}
}

func rootOf(l *tree.List) tree.Hash {
	root, ok := l.Root()
	if !ok {
		panic("BUG: the list of a test is incomplete")
	}
	return root
}

// newCache returns a cache in a directory of the test's, whose clock stands.
func newCache(t testing.TB, limit int64) *Cache {
	t.Helper()
	return openCache(t, quickPath(t), limit)
}

// quickPath is where syncs cost nothing, if there is such a place: some tests
// make thousands of them.
func quickPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "treecache")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "dir", "hashes")
}

func openCache(t testing.TB, path string, limit int64) *Cache {
	t.Helper()
	c, err := Open(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_800_000_000, 0)
	c.now = func() time.Time { return at }
	return c
}

// later moves the clock of a cache.
func later(c *Cache, d time.Duration) {
	at := c.now().Add(d)
	c.now = func() time.Time { return at }
}

func mustPut(t testing.TB, c *Cache, files ...file) {
	t.Helper()
	for _, f := range files {
		if err := c.Put(f.key, f.list); err != nil {
			t.Fatalf("file %d: %v", f.key.Inode, err)
		}
	}
}

// has reports whether the cache has the list, which must be the right one.
func has(t testing.TB, c *Cache, f file) bool {
	t.Helper()
	l, ok := c.Get(f.key)
	if !ok {
		if l != nil {
			t.Errorf("file %d: not found, and a list", f.key.Inode)
		}
		return false
	}
	if l.Size() != f.key.Size || rootOf(l) != rootOf(f.list) {
		t.Fatalf("file %d: a wrong list", f.key.Inode)
	}
	for i := range l.Len() {
		got, _ := l.Get(i)
		want, _ := f.list.Get(i)
		if got != want {
			t.Fatalf("file %d: piece %d: %v, want %v", f.key.Inode, i, got, want)
		}
	}
	return true
}

func mustHave(t testing.TB, c *Cache, files ...file) {
	t.Helper()
	for _, f := range files {
		if !has(t, c, f) {
			t.Errorf("file %d is not found", f.key.Inode)
		}
	}
}

func mustLack(t testing.TB, c *Cache, files ...file) {
	t.Helper()
	for _, f := range files {
		if has(t, c, f) {
			t.Errorf("file %d is found", f.key.Inode)
		}
	}
}

// mustPass checks that the file of the cache is whole.
func mustPass(t testing.TB, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := vet(f, info.Size()); err != nil {
		t.Fatalf("a whole database does not pass: %v", err)
	}
}
