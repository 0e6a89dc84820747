package treecache

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestTwoCachesOnOneFile(t *testing.T) {
	a := newCache(t, 0)
	b := openCache(t, a.path, 0)
	f, g := newFile(1, 3), newFile(2, 3)
	mustPut(t, a, f)
	mustHave(t, b, f)
	mustPut(t, b, g)
	mustHave(t, a, f, g)
	mustPass(t, a.path)
}

// TestLocked has another process in the middle of a Put: nothing is found or
// stored, nothing fails, nothing waits for long, and nothing is taken for damage.
func TestLocked(t *testing.T) {
	c, f, g := newCache(t, 0), newFile(1, 3), newFile(2, 3)
	mustPut(t, c, f)
	before, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(c.path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	other := openCache(t, c.path, 0)
	mustLack(t, c, f)
	mustPut(t, c, g)
	mustPut(t, other, g)
	if took := time.Since(start); took < lockTimeout/2 || took > 20*lockTimeout {
		t.Errorf("four calls took %v", took)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(c.path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the locked file has changed (%v)", err)
	}
	mustHave(t, c, f)
	mustLack(t, other, g)
}

// TestLockedFileIsLeftAlone has another process in the middle of writing: what
// it has written so far looks like damage.
func TestLockedFileIsLeftAlone(t *testing.T) {
	c := newCache(t, 0)
	half := bytes.Repeat([]byte("half a page"), 1000)
	if err := os.WriteFile(c.path, half, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(c.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if locked, err := tryLock(other); !locked || err != nil {
		t.Fatalf("locked: %v, %v", locked, err)
	}
	mustPut(t, c, newFile(1, 3))
	mustLack(t, c, newFile(1, 3))
	if now, err := os.ReadFile(c.path); err != nil || !bytes.Equal(now, half) {
		t.Errorf("the locked file has changed (%v)", err)
	}
	unlock(other)
	mustPut(t, c, newFile(1, 3))
	mustHave(t, c, newFile(1, 3))
}

// TestManyAtOnce has goroutines of two servers use one file: each finds what is
// right or nothing, and what was stored while nobody else was there stays.
func TestManyAtOnce(t *testing.T) {
	first := newCache(t, 0)
	caches := []*Cache{first, openCache(t, first.path, 0)}
	kept := newFile(100, 3)
	mustPut(t, first, kept)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			c := caches[n%2]
			for i := range 10 {
				f := newFile(n*3+i%3, 1+i%3*200)
				if err := c.Put(f.key, f.list); err != nil {
					t.Errorf("put: %v", err)
				}
				has(t, c, f)
				has(t, c, kept)
			}
		})
	}
	all.Wait()
	mustPass(t, first.path)
	mustHave(t, first, kept)
}
