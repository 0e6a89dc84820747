package treecache

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lockAt is the byte that is locked, far behind the end: bbolt locks the last
// one of all, and would not get it a second time.
const (
	lockAt = 1 << 30   // of OffsetHigh: byte 2^62
	boltAt = 1<<32 - 1 // of OffsetHigh and Offset
)

// tryLock takes the exclusive lock on a file, unless another process has it.
func tryLock(file *os.File) (bool, error) {
	at := windows.Overlapped{OffsetHigh: lockAt}
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	switch err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &at); err {
	case nil:
		return true, nil
	case windows.ERROR_LOCK_VIOLATION:
		return false, nil
	default:
		return false, fmt.Errorf("lock: %w", err)
	}
}

// unlock gives back the lock, and bbolt's. There may be no file.
func unlock(file *os.File) {
	for _, at := range []windows.Overlapped{{OffsetHigh: lockAt}, {OffsetHigh: boltAt, Offset: boltAt}} {
		// Nothing can be done about an error, and the next session finds it locked.
		_ = windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, &at)
	}
}
