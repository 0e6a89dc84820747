//go:build unix

package partfile

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// openPart does not follow a link that somebody planted. O_NONBLOCK has no
// effect on a regular file and keeps anything else from being waited for.
func openPart(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, partMode)
}

// lock uses flock, not fcntl: fcntl's locks belong to the process, so a second
// fetch in the same process would not see them, and closing any other
// descriptor of the file drops them (POSIX, fcntl).
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

func rename(from, to string) error { return os.Rename(from, to) }

// linkNew is the rename that replaces nothing, for file systems without one:
// link(2) fails where the new name exists. Where the old one then stays, after a
// crash or an error, both lead to the whole file and the next Create notices.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	_ = os.Remove(from)
	return nil
}

// syncDir takes "cannot" for an answer: some network and FUSE file systems do
// not sync directories at all (the same set as in restic's local backend).
func syncDir(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}

// umask returns the mode bits that new files of this process lack.
func umask() fs.FileMode { return processUmask() }

// processUmask reads the mask by setting it, there being no other call for it
// (umask(2)). Once, so that two readers do not restore each other's value, and
// to a strict one, so that a file created meanwhile is not exposed.
var processUmask = sync.OnceValue(func() fs.FileMode {
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return fs.FileMode(mask).Perm()
})
