//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package treecache

import (
	"errors"
	"fmt"
	"os"
)

// tryLock fails: without a lock the file cannot be shared.
func tryLock(*os.File) (bool, error) {
	return false, fmt.Errorf("lock: %w", errors.ErrUnsupported)
}

func unlock(*os.File) {}
