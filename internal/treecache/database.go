package treecache

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long a Get or Put waits for another process, which has the
// file locked for as long as its Put takes: a few milliseconds, and two syncs of
// the disk. Whoever waits does so before it answers a client, and to hash the
// first pieces takes less than this. Arbitrary beyond that; every lockRetry it is
// tried again, as bbolt does.
const (
	lockTimeout = 250 * time.Millisecond
	lockRetry   = 50 * time.Millisecond
)

// slackBytes is by how much the file may be more than twice the limit: bbolt
// grows large ones by 16 MiB at a time, and keys take space too. Arbitrary.
const slackBytes = 64 << 20

var (
	errLocked  = errors.New("another process has it locked")
	errDamaged = errors.New("the file is damaged")
)

// use opens the database for f alone. When that, or f, finds it damaged, the
// file is emptied and f called again.
func (c *Cache) use(f func(*bolt.DB) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := error(os.ErrClosed)
	if !c.closed {
		err = c.session(f, false)
		if errors.Is(err, errDamaged) {
			err = c.session(f, true)
		}
	}
	if err != nil {
		return fmt.Errorf("cache of hashes %s: %w", c.path, err)
	}
	return nil
}

// session opens the database, which it empties first if it is told so, calls f,
// and closes it.
func (c *Cache) session(f func(*bolt.DB) error, empty bool) (err error) {
	// A mapping faults when the disk cannot be read or somebody has cut the file.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var file *os.File
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", errDamaged, cause)
			// Not the database: its Close waits for the transaction that has panicked.
			// The mapping stays, and would keep the lock of a file that is only closed.
			unlock(file)
			file.Close()
		}
	}()
	db, err := bolt.Open(c.path, 0o600, &bolt.Options{
		Timeout:      lockTimeout,
		PageSize:     pageBytes,
		MaxSize:      c.maxFile(),
		NoStatistics: true,
		OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = openVetted(path, flag, mode, empty)
			return file, err
		},
	})
	if err != nil {
		return classify(err)
	}
	err = classify(f(db))
	if closing := db.Close(); err == nil {
		err = closing
	}
	return err
}

func (c *Cache) maxFile() int {
	return int(min(math.MaxInt-slackBytes, min(c.limit, math.MaxInt64/4)*2) + slackBytes)
}

// classify says of an error of bbolt's what to do about it.
func classify(err error) error {
	for _, damage := range []error{
		bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum,
		bolterrors.ErrMaxSizeReached, // fragmented, if not damaged: see doc.go
	} {
		if errors.Is(err, damage) {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return errLocked
	}
	return err
}

// openVetted opens the file at path and locks it, as bbolt then does once more,
// so that nobody writes while it is vetted. It empties a file that does not pass:
// bbolt makes a database of an empty one.
func openVetted(path string, flag int, mode os.FileMode, empty bool) (*os.File, error) {
	file, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	if err := lockWithin(file, lockTimeout); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file: remove it, or choose another path")
	}
	if err == nil && (empty || vet(file, info.Size()) != nil) {
		err = file.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lockWithin locks the file, or returns errLocked.
func lockWithin(file *os.File, timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); ; {
		locked, err := tryLock(file)
		if locked || err != nil {
			return err
		}
		if time.Now().Add(lockRetry).After(deadline) {
			return errLocked
		}
		time.Sleep(lockRetry)
	}
}
