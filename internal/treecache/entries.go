package treecache

import (
	"encoding/binary"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// There are two buckets with the same keys. The times are apart from the lists,
// so that to write one is not to write a list that may be megabytes long.
const (
	bucketLists = "lists" // key: see value.go
	bucketUsed  = "used"  // key: nanoseconds since 1970, 8 bytes
)

// usedGrain is how exactly it is remembered when a list was last used: to write
// it costs a sync of the disk. Arbitrary.
const usedGrain = time.Hour

// get returns what a bucket has for key, nil where there is no bucket. It is
// valid during the transaction.
func get(tx *bolt.Tx, bucket string, key []byte) []byte {
	if b := tx.Bucket([]byte(bucket)); b != nil {
		return b.Get(key)
	}
	return nil
}

// lastUsed returns when key was last used, 1970 where nobody knows.
func lastUsed(tx *bolt.Tx, key []byte) time.Time {
	value := get(tx, bucketUsed, key)
	if len(value) != 8 {
		return time.Unix(0, 0)
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(value)))
}

func touch(tx *bolt.Tx, key []byte, now time.Time) error {
	used, err := tx.CreateBucketIfNotExists([]byte(bucketUsed))
	if err != nil {
		return err
	}
	return used.Put(key, binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano())))
}

func put(tx *bolt.Tx, key, value []byte, now time.Time) error {
	lists, err := tx.CreateBucketIfNotExists([]byte(bucketLists))
	if err != nil {
		return err
	}
	if err := lists.Put(key, value); err != nil {
		return err
	}
	return touch(tx, key, now)
}

func drop(tx *bolt.Tx, key []byte) error {
	for _, name := range []string{bucketLists, bucketUsed} {
		if b := tx.Bucket([]byte(name)); b != nil {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry is a list in the database, as one that may have to go.
type entry struct {
	key   []byte
	bytes int64
	used  time.Time
}

// makeRoom drops the least recently used lists until those beside key are
// limit bytes at most, and one fewer than maxEntries.
func makeRoom(tx *bolt.Tx, key []byte, limit int64, now time.Time) error {
	others, err := entries(tx, key, now)
	if err != nil {
		return err
	}
	var total int64
	for _, e := range others {
		total += e.bytes
	}
	if total <= limit && len(others) < maxEntries {
		return nil
	}
	slices.SortFunc(others, func(a, b entry) int { return a.used.Compare(b.used) })
	for len(others) > 0 && (total > limit || len(others) >= maxEntries) {
		if err := drop(tx, others[0].key); err != nil {
			return err
		}
		total -= others[0].bytes
		others = others[1:]
	}
	return nil
}

// entries returns all lists but that of key. A time of use in the future, which
// a wrong clock has left, counts as long ago, or the list would stay until then.
// Times without a list, which only damage leaves, are dropped.
func entries(tx *bolt.Tx, key []byte, now time.Time) (list []entry, err error) {
	lists, used := tx.Bucket([]byte(bucketLists)), tx.Bucket([]byte(bucketUsed))
	if lists == nil {
		return nil, nil
	}
	own := string(key)
	err = lists.ForEach(func(k, value []byte) error {
		if string(k) == own {
			return nil
		}
		at := lastUsed(tx, k)
		if at.After(now.Add(usedGrain)) {
			at = time.Time{}
		}
		list = append(list, entry{slices.Clone(k), int64(len(value)), at})
		return nil
	})
	if err != nil || used == nil || used.Stats().KeyN <= len(list)+1 {
		return list, err
	}
	return list, dropOrphans(lists, used)
}

// dropOrphans deletes the times that belong to no list.
func dropOrphans(lists, used *bolt.Bucket) error {
	var orphans [][]byte
	err := used.ForEach(func(k, _ []byte) error {
		if lists.Get(k) == nil {
			orphans = append(orphans, slices.Clone(k))
		}
		return nil
	})
	for _, k := range orphans {
		if err == nil {
			err = used.Delete(k)
		}
	}
	return err
}
