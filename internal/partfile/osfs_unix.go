//go:build unix

package partfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// errOthersPart reports a file that its owner may hold open: it could be written
// to after it was verified.
var errOthersPart = errors.New("another user has put it there: remove it, or write to another directory")

// openPart does not follow a link that somebody planted. O_NONBLOCK has no
// effect on a regular file and keeps anything else from being waited for.
func openPart(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, partMode)
	if err != nil {
		return nil, err
	}
	if err := checkOwner(f, filepath.Dir(name)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkOwner refuses a file of another user in a directory where others may make
// files, such as /tmp. Elsewhere an owner that is not this process's is how some
// file systems show all files (NFS with its squash, vfat).
func checkOwner(f *os.File, dir string) error {
	var file, parent unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &file); err != nil {
		return err
	}
	if file.Uid == uint32(os.Geteuid()) {
		return nil
	}
	if err := unix.Stat(dir, &parent); err != nil {
		return err
	}
	shared := parent.Mode&0o022 != 0 || parent.Uid != uint32(os.Geteuid()) && parent.Uid != 0
	if shared {
		return errOthersPart
	}
	return nil
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
