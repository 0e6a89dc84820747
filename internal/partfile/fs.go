package partfile

import (
	"io"
	"io/fs"
)

// FS is what a Part asks of the disk, so that a test can stand in for it.
// Errors wrap the cause; a name that is missing gives fs.ErrNotExist.
type FS interface {
	// Lstat describes what is under name, Stat what a link there leads to.
	Lstat(name string) (fs.FileInfo, error)
	Stat(name string) (fs.FileInfo, error)

	// SameFile tells whether two answers of this FS describe one file, and
	// Links how many names it has.
	SameFile(a, b fs.FileInfo) bool
	Links(info fs.FileInfo) uint64

	// Open opens name for reading and writing and creates it, mode 0600, if it
	// is missing. It does not follow a link and does not wait for the reader of
	// a FIFO.
	Open(name string) (File, error)

	// OpenDir opens a directory for Sync.
	OpenDir(name string) (Dir, error)

	// Rename moves from to to at once, in place of what to was. RenameNew fails
	// with fs.ErrExist where something is under to. Both work on open files.
	Rename(from, to string) error
	RenameNew(from, to string) error

	Remove(name string) error
}

// File is an open part file or journal.
type File interface {
	io.WriterAt // by any number of goroutines
	io.ReaderAt // by any number of goroutines, beside writes too
	Stat() (fs.FileInfo, error)

	// Lock takes the exclusive lock, until Close, or fails with ErrLocked.
	Lock() error

	// Allocate gives the file size bytes, with the disk space behind them where
	// the file system can. When it fails the file is no longer than it was.
	Allocate(size int64) error

	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// Dir is an open directory. Sync makes the changes to its names durable.
type Dir interface {
	Sync() error
	Close() error
}
