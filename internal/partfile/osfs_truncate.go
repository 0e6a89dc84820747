//go:build !linux

package partfile

import "os"

// allocate only sets the size; a full disk shows when it is written to.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }
