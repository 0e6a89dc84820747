package treecache

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"chunkcp/internal/tree"

	bolt "go.etcd.io/bbolt"
)

// someFiles is enough for a tree of several levels: its leaves hold a few lists
// each, and some lists more than a page.
func someFiles() (files []file) {
	for n := range 60 {
		files = append(files, newFile(n, 1+n%12))
	}
	for n := 60; n < 64; n++ {
		files = append(files, newFile(n, 100*(n-58)))
	}
	return files
}

// smallDatabase returns a file with these lists, some of which were replaced,
// so that there are free pages.
func smallDatabase(t testing.TB, files []file) []byte {
	t.Helper()
	c := newCache(t, 0)
	mustPut(t, c, newFile(1000, 500))
	mustPut(t, c, files...)
	c.remove(newFile(1000, 500).key.bytes(), encode(newFile(1000, 500).key, newFile(1000, 500).list, rootOf(newFile(1000, 500).list)))
	mustHave(t, c, files...)
	mustPass(t, c.path)
	data, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mustSurvive opens a cache on a damaged file: every list in it is found and
// right, or not found, and what is put is found. It returns how many were found.
func mustSurvive(t *testing.T, path string, data []byte, files []file) int {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, path, 0)
	found := 0
	for _, f := range files {
		if has(t, c, f) {
			found++
		}
	}
	more := newFile(2000, 3)
	mustPut(t, c, more)
	mustHave(t, c, more)
	mustPass(t, path)
	return found
}

func TestGarbage(t *testing.T) {
	path := newCache(t, 0).path
	random := generator(t)
	files := someFiles()[:3]
	for _, size := range []int{1, 15, 16, 100, 4096, 8192, 10_000, 1 << 16} {
		data := make([]byte, size)
		for _, fill := range []func(int) byte{
			func(int) byte { return 0 }, func(int) byte { return 0xff }, func(int) byte { return byte(random.Uint32()) },
		} {
			for i := range data {
				data[i] = fill(i)
			}
			mustSurvive(t, path, data, files)
		}
	}
}

func TestTruncated(t *testing.T) {
	files := someFiles()
	whole := smallDatabase(t, files)
	path := newCache(t, 0).path
	if found := mustSurvive(t, path, whole, files); found != len(files) {
		t.Fatalf("only %d of %d lists in a whole file", found, len(files))
	}
	lengths := []int{0, 1, 17, 80, len(whole) - 1}
	for at := pageBytes; at < len(whole); at += pageBytes {
		lengths = append(lengths, at-1, at, at+1)
	}
	for _, length := range lengths {
		mustSurvive(t, path, whole[:length], files[:5])
	}
}

// TestBitFlips flips bits in every page that is in use: some of the page's head,
// of its first elements, and of the rest, not always the same.
func TestBitFlips(t *testing.T) {
	each := 20
	if testing.Short() {
		each = 4
	}
	t.Run("trees", func(t *testing.T) { flipBits(t, someFiles(), each) })
	// Buckets as small as these lie in the page of the root.
	t.Run("inline", func(t *testing.T) { flipBits(t, someFiles()[:2], 10*each) })
}

// flipBits makes each flips in each of three parts of every page.
func flipBits(t *testing.T, files []file, each int) {
	whole := smallDatabase(t, files)
	m, err := readMeta(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	path := newCache(t, 0).path
	random := generator(t)
	lost, flips := 0, 0
	for id := range int(m.pages) {
		for n := range 3 * each {
			length := []int{pageHeader, pageHeader + metaBytes, pageBytes}[n%3]
			bit := random.IntN(length * 8)
			data := bytes.Clone(whole)
			data[id*pageBytes+bit/8] ^= 1 << (bit % 8)
			// Those whose lists are on many pages, and one of the others.
			some := append(slices.Clone(files[min(len(files), 60):]), files[random.IntN(len(files))])
			if mustSurvive(t, path, data, some) < len(some) {
				lost++
			}
			if flips++; t.Failed() {
				t.Fatalf("after bit %d of page %d was flipped", bit, id)
			}
		}
	}
	if lost == 0 {
		t.Errorf("%d flips lost no list: were they in the file?", flips)
	}
	t.Logf("%d flips in %d pages; a list was lost %d times", flips, m.pages, lost)
}

// TestEveryByteOfAValueCounts damages a value within a whole database.
func TestEveryByteOfAValueCounts(t *testing.T) {
	c, f, other := newCache(t, 0), newFile(1, 3), newFile(2, 3)
	value := encode(f.key, f.list, rootOf(f.list))
	for i := range value {
		mustPut(t, c, f, other)
		bad := bytes.Clone(value)
		bad[i] ^= 1 << (i % 8)
		store(t, c, f.key, bad)
		mustLack(t, c, f)
		mustHave(t, c, other)
		if kept := stored(t, c, f.key); kept != nil {
			t.Fatalf("byte %d: the damaged value was kept", i)
		}
	}
	for _, bad := range [][]byte{{}, value[:1], value[:hashesAt], value[:len(value)-1], append(bytes.Clone(value), 0)} {
		store(t, c, f.key, bad)
		mustLack(t, c, f)
	}
}

// TestAnothersValue puts a whole value under the key of another file, as a
// damaged key does.
func TestAnothersValue(t *testing.T) {
	c, f, other := newCache(t, 0), newFile(1, 3), newFile(2, 3)
	store(t, c, f.key, encode(other.key, other.list, rootOf(other.list)))
	mustLack(t, c, f)
}

// TestRootIsJoined has a value of which all is well but that the hashes do not
// join to the root.
func TestRootIsJoined(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	store(t, c, f.key, encode(f.key, f.list, tree.Hash{1}))
	mustLack(t, c, f)
}

func store(t *testing.T, c *Cache, k Key, value []byte) {
	t.Helper()
	err := c.use(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error { return put(tx, k.bytes(), value, c.now()) })
	})
	if err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, c *Cache, k Key) (value []byte) {
	t.Helper()
	c.use(func(db *bolt.DB) error {
		return db.View(func(tx *bolt.Tx) error {
			value = bytes.Clone(get(tx, bucketLists, k.bytes()))
			return nil
		})
	})
	return value
}

// TestPanicEmptiesTheFile has what vetting lets through, whatever it may be.
func TestPanicEmptiesTheFile(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	mustPut(t, c, f)
	calls := 0
	err := c.use(func(db *bolt.DB) error {
		if calls++; calls > 1 {
			return nil
		}
		return db.Update(func(*bolt.Tx) error { panic("page 7 already freed") })
	})
	if err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	mustLack(t, c, f)
	mustPut(t, c, f)
	mustHave(t, c, f)
	err = c.use(func(*bolt.DB) error { panic("for ever") })
	if !errors.Is(err, errDamaged) {
		t.Errorf("a second panic: %v", err)
	}
	mustPut(t, c, f)
	mustHave(t, c, f)
}

// A file that has become too long for its limit is begun anew.
func TestFragmentedFileIsBegunAnew(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	mustPut(t, c, f)
	calls := 0
	err := c.use(func(db *bolt.DB) error {
		calls++
		db.MaxSize = 1 << 20 // as Open has it, but small
		value := make([]byte, 100)
		if calls == 1 {
			value = make([]byte, 4<<20)
		}
		return db.Update(func(tx *bolt.Tx) error { return put(tx, f.key.bytes(), value, c.now()) })
	})
	if err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	mustLack(t, c, f)
	mustPut(t, c, f)
	mustHave(t, c, f)
}
