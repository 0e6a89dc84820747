package treecache

import (
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// fill puts lists of one piece at once, as many Puts would, 100 ms apart.
func fill(t testing.TB, c *Cache, n int) {
	t.Helper()
	err := c.use(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			for i := range n {
				f := newFile(i, 1)
				value := encode(f.key, f.list, rootOf(f.list))
				if err := put(tx, f.key.bytes(), value, c.now().Add(time.Duration(i-n)*100*time.Millisecond)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLeastRecentlyUsedGoes has room for three lists.
func TestLeastRecentlyUsedGoes(t *testing.T) {
	one := valueBytes(newFile(1, 10).key.Size)
	c := newCache(t, 3*one)
	var files []file
	for n := range 5 {
		files = append(files, newFile(n, 10))
	}
	for _, f := range files[:3] {
		mustPut(t, c, f)
		later(c, 2*usedGrain)
	}
	mustHave(t, c, files[0]) // which makes 1 the oldest
	later(c, 2*usedGrain)
	mustPut(t, c, files[3])
	mustLack(t, c, files[1])
	c = openCache(t, c.path, 3*one) // the times are on disk
	later(c, 10*usedGrain)
	mustPut(t, c, files[4])
	mustLack(t, c, files[1], files[2])
	mustHave(t, c, files[0], files[3], files[4])
	mustPass(t, c.path)
}

func TestOneLargeListDropsManySmallOnes(t *testing.T) {
	large := newFile(100, 1000)
	c := newCache(t, valueBytes(large.key.Size))
	var small []file
	for n := range 20 {
		small = append(small, newFile(n, 10))
	}
	mustPut(t, c, small...)
	mustHave(t, c, small...)
	mustPut(t, c, large)
	mustLack(t, c, small...)
	mustHave(t, c, large)
	mustPut(t, c, large) // does not count twice
	mustHave(t, c, large)
}

func TestListOverTheLimitIsNotStored(t *testing.T) {
	large, small := newFile(1, 1000), newFile(2, 10)
	c := newCache(t, valueBytes(large.key.Size)-1)
	mustPut(t, c, small, large)
	mustLack(t, c, large)
	mustHave(t, c, small)
}

func TestNumberOfListsIsBounded(t *testing.T) {
	c := newCache(t, 0)
	fill(t, c, maxEntries)
	oldest, next, last, more := newFile(0, 1), newFile(1, 1), newFile(maxEntries-1, 1), newFile(maxEntries, 1)
	mustHave(t, c, oldest, last)
	mustPass(t, c.path)
	mustPut(t, c, last) // is there already
	mustHave(t, c, oldest)
	mustPut(t, c, more)
	mustLack(t, c, oldest)
	mustHave(t, c, next, last, more)
}

// A clock that was wrong once does not keep a list for ever.
func TestTimesInTheFuture(t *testing.T) {
	one := valueBytes(newFile(1, 10).key.Size)
	c := newCache(t, 3*one)
	later(c, 1000*time.Hour)
	mustPut(t, c, newFile(1, 10), newFile(2, 10))
	later(c, -1000*time.Hour)
	mustHave(t, c, newFile(1, 10)) // sets its time right
	later(c, 2*usedGrain)
	mustPut(t, c, newFile(3, 10), newFile(4, 10))
	mustLack(t, c, newFile(2, 10))
	mustHave(t, c, newFile(1, 10), newFile(3, 10), newFile(4, 10))
}

// A use within the hour is not written.
func TestGetWritesOnceAnHour(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 1)
	mustPut(t, c, f)
	for _, step := range []struct {
		after time.Duration
		want  time.Duration
	}{{time.Minute, 0}, {usedGrain, usedGrain + time.Minute}, {time.Minute, usedGrain + time.Minute}} {
		start := time.Unix(1_800_000_000, 0)
		later(c, step.after)
		mustHave(t, c, f)
		var used time.Time
		c.use(func(db *bolt.DB) error {
			return db.View(func(tx *bolt.Tx) error { used = lastUsed(tx, f.key.bytes()); return nil })
		})
		if got := used.Sub(start); got != step.want {
			t.Errorf("used after %v, want %v", got, step.want)
		}
	}
}

// TestTimesWithoutAList has what only damage leaves.
func TestTimesWithoutAList(t *testing.T) {
	c := newCache(t, 0)
	c.use(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			for n := range 10 {
				if err := touch(tx, newFile(n, 1).key.bytes(), c.now()); err != nil {
					return err
				}
			}
			return nil
		})
	})
	mustPut(t, c, newFile(3, 1)) // there are no lists yet: nothing is dropped
	mustPut(t, c, newFile(11, 1))
	var left []string
	c.use(func(db *bolt.DB) error {
		return db.View(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketUsed)).ForEach(func(k, _ []byte) error {
				left = append(left, string(k))
				return nil
			})
		})
	})
	want := []string{string(newFile(3, 1).key.bytes()), string(newFile(11, 1).key.bytes())}
	if !slices.Equal(left, want) {
		t.Errorf("%d times are left, want 2", len(left))
	}
}
