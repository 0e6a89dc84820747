//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package treecache

import (
	"fmt"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock on a file, unless another process has it. It
// is the lock that bbolt takes, to which a second time is the same.
func tryLock(file *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return false, nil
		default:
			return false, fmt.Errorf("lock: %w", err)
		}
	}
}

// unlock gives back the lock, bbolt's with it. There may be no file.
func unlock(file *os.File) {
	// Nothing can be done about an error, and the next session finds it locked.
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
}
