package treecache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"chunkcp/internal/tree"

	bolt "go.etcd.io/bbolt"
)

// defaultLimit is how many bytes of values are kept unless another limit is
// given: the hashes of 8 TiB. Arbitrary.
const defaultLimit = 256 << 20

// maxEntries is how many lists are kept, however short: so that checking the
// database and looking for the least recently used stay quick. Arbitrary.
const maxEntries = 1 << 14

// Cache is the file of hashes. Its methods may be called by any goroutine.
type Cache struct {
	path  string
	limit int64            // bytes of values
	now   func() time.Time // tests have their own

	mu     sync.Mutex // one use of the database at a time, and for what follows
	closed bool
}

// Open returns the cache in the file at path, which is made where missing, its
// directory too. limitBytes is how many bytes of hashes are kept, 0 for 256 MiB.
func Open(path string, limitBytes int64) (*Cache, error) {
	if limitBytes < 0 {
		return nil, fmt.Errorf("cache of hashes %s: a limit of %d bytes: give 0 for the default", path, limitBytes)
	}
	if limitBytes == 0 {
		limitBytes = defaultLimit
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cache of hashes: %w", err)
	}
	c := &Cache{path: path, limit: limitBytes, now: time.Now}
	if err := c.use(func(*bolt.DB) error { return nil }); err != nil && !errors.Is(err, errLocked) {
		return nil, err
	}
	return c, nil
}

// Get returns the hashes of all pieces of file k. What cannot be read now, or is
// damaged, is not found.
func (c *Cache) Get(k Key) (*tree.List, bool) {
	if k.Size < 0 {
		return nil, false
	}
	key, now := k.bytes(), c.now()
	var value []byte
	// Whatever goes wrong, a value that was read is checked, and else there is none.
	_ = c.use(func(db *bolt.DB) error {
		var stale bool
		err := db.View(func(tx *bolt.Tx) error {
			value = bytes.Clone(get(tx, bucketLists, key)) // what bbolt returns is its mapping
			stale = value != nil && now.Sub(lastUsed(tx, key)).Abs() >= usedGrain
			return nil
		})
		if err != nil || !stale {
			return err
		}
		return db.Update(func(tx *bolt.Tx) error { return touch(tx, key, now) })
	})
	if value == nil {
		return nil, false
	}
	list, err := decode(k, value)
	if err != nil {
		c.remove(key, value)
		return nil, false
	}
	return list, true
}

// remove deletes a value that is damaged, if it is still the same.
func (c *Cache) remove(key, value []byte) {
	// An error leaves it for the next Get.
	_ = c.use(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			if !bytes.Equal(get(tx, bucketLists, key), value) {
				return nil
			}
			return drop(tx, key)
		})
	})
}

// Put stores the hashes of file k, all of which must be known. It stores
// nothing, and that is no error, when they alone are more than the limit or when
// another process has the file locked.
func (c *Cache) Put(k Key, l *tree.List) error {
	if l.Size() != k.Size {
		return fmt.Errorf("cache of hashes: a list for %d bytes is put for a file of %d", l.Size(), k.Size)
	}
	length := valueBytes(k.Size)
	if l.Known() < l.Len() {
		return fmt.Errorf("cache of hashes: only %d of %d pieces are hashed: put the list when it is complete", l.Known(), l.Len())
	}
	if length > min(c.limit, maxValue) {
		return nil
	}
	root, _ := l.Root()
	key, value := k.bytes(), encode(k, l, root)
	err := c.use(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			if err := makeRoom(tx, key, c.limit-length, c.now()); err != nil {
				return err
			}
			return put(tx, key, value, c.now())
		})
	})
	if errors.Is(err, errLocked) {
		return nil
	}
	return err
}

// Close makes all later calls fail. There is nothing else to do: the file is open
// during the others only.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("cache of hashes %s: %w", c.path, os.ErrClosed)
	}
	c.closed = true
	return nil
}
