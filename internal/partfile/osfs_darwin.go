package partfile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// renameNew falls back where the volume does not know the flag (ENOTSUP,
// renameatx_np(2)).
func renameNew(from, to string) error {
	err := unix.RenameatxNp(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCL)
	if errors.Is(err, unix.ENOTSUP) {
		return linkNew(from, to)
	}
	return err
}
