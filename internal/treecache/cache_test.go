package treecache

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"chunkcp/internal/tree"
)

func TestPutAndGet(t *testing.T) {
	c := newCache(t, 0)
	files := []file{newFile(1, 1), newFile(2, 3), newFile(3, 70), newFile(4, 9000), {Key{Inode: 5}, tree.NewList(0)}}
	files[4].list.Set(0, tree.PieceHash(nil, 0, 1))
	mustLack(t, c, files...)
	mustPut(t, c, files...)
	mustHave(t, c, files...)
	mustPass(t, c.path)
	mustHave(t, openCache(t, c.path, 0), files...)
}

func TestEveryPartOfTheKeyCounts(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	mustPut(t, c, f)
	for _, change := range []func(*Key){
		func(k *Key) { k.Device++ }, func(k *Key) { k.Inode++ }, func(k *Key) { k.Modified++ },
		func(k *Key) { k.Size-- }, func(k *Key) { k.Size = -1 }, func(k *Key) { k.Size = 1<<63 - 1 },
	} {
		k := f.key
		change(&k)
		if l, ok := c.Get(k); ok || l != nil {
			t.Errorf("%+v is found", k)
		}
	}
	mustHave(t, c, f)
}

func TestOnlyCompleteListsArePut(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	partial := tree.NewList(f.key.Size)
	partial.Set(0, tree.Hash{1})
	partial.Set(2, tree.Hash{1})
	if err := c.Put(f.key, partial); err == nil || !strings.Contains(err.Error(), "2 of 3 pieces") {
		t.Errorf("a partial list: %v", err)
	}
	other := f.key
	other.Size++
	if err := c.Put(other, f.list); err == nil {
		t.Error("the list of another size was put")
	}
	mustLack(t, c, f)
}

func TestPutAgainReplaces(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	mustPut(t, c, f)
	other := newFile(2, 3)
	other.key = f.key
	mustPut(t, c, other)
	mustHave(t, c, other)
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no modes")
	}
	c := newCache(t, 0)
	for path, want := range map[string]os.FileMode{c.path: 0o600, filepath.Dir(c.path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, limit := range map[string]int64{
		dir: 0, filepath.Join(plain, "hashes"): 0, os.DevNull: 0, filepath.Join(dir, "hashes"): -1,
	} {
		if c, err := Open(path, limit); err == nil || c != nil {
			t.Errorf("%s, limit %d: opened", path, limit)
		}
	}
}

func TestClosed(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 3)
	mustPut(t, c, f)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	mustLack(t, c, f)
	for _, err := range []error{c.Put(f.key, f.list), c.Close()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	mustHave(t, openCache(t, c.path, 0), f)
}

// BenchmarkGetOfFull finds a list among as many as there may be.
func BenchmarkGetOfFull(b *testing.B) {
	c := newCache(b, 0)
	fill(b, c, maxEntries)
	f := newFile(maxEntries/2, 1)
	for b.Loop() {
		mustHave(b, c, f)
	}
}

// BenchmarkPutToFull drops one for each that it stores.
func BenchmarkPutToFull(b *testing.B) {
	c := newCache(b, 0)
	fill(b, c, maxEntries)
	for n := maxEntries; b.Loop(); n++ {
		mustPut(b, c, newFile(n, 1))
	}
}

// BenchmarkGetOf1TiB finds a list of 32 MiB.
func BenchmarkGetOf1TiB(b *testing.B) {
	c, f := newCache(b, 0), newFile(1, 1<<20)
	mustPut(b, c, f)
	for b.Loop() {
		if _, ok := c.Get(f.key); !ok {
			b.Fatal("not found")
		}
	}
}
