//go:build unix

package treecache

import (
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestFileIsCutWhileMapped: a mapping faults beyond the end of the file, which
// ends a process unless it is told to panic.
func TestFileIsCutWhileMapped(t *testing.T) {
	c, f := newCache(t, 0), newFile(1, 1000)
	mustPut(t, c, f)
	calls := 0
	err := c.use(func(db *bolt.DB) error {
		if calls++; calls == 1 {
			if err := os.Truncate(c.path, 2*pageBytes); err != nil {
				return err
			}
		}
		return db.View(func(tx *bolt.Tx) error { get(tx, bucketLists, f.key.bytes()); return nil })
	})
	if err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	mustLack(t, c, f)
	mustPut(t, c, f)
	mustHave(t, c, f)
}
