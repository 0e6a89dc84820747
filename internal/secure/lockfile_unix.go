//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package secure

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile waits for the exclusive lock on the file at path, which it makes
// where missing, and returns what releases it. The file stays: to delete it
// would let two processes lock two files of one name. The system releases the
// lock of a process that dies.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f.Close, nil
}
