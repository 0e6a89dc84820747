package partfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// openPart differs from os.OpenFile in sharing FILE_SHARE_DELETE, without which
// an open file cannot be renamed, and in opening a link itself.
func openPart(name string) (*os.File, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	handle, err := windows.CreateFile(path,
		windows.GENERIC_READ|windows.GENERIC_WRITE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_ALWAYS,
		windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), name), nil
}

// lock locks every byte; the handle that holds the lock goes on writing them.
func lock(f *os.File) error {
	const all = ^uint32(0)
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, all, all, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// links needs no answer here: renameNew never leaves two names.
func links(fs.FileInfo) uint64 { return 1 }

func rename(from, to string) error {
	return move(from, to, windows.MOVEFILE_REPLACE_EXISTING)
}

func renameNew(from, to string) error { return move(from, to, 0) }

// move writes through, in place of the directory sync that Windows lacks.
func move(from, to string, flags uint32) error {
	fromPath, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	toPath, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return windows.MoveFileEx(fromPath, toPath, flags|windows.MOVEFILE_WRITE_THROUGH)
}

func syncDir(*os.File) error { return nil }

func umask() fs.FileMode { return 0 }
