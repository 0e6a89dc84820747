package partfile

import (
	"io/fs"
	"os"
	"syscall"
)

// osFS is the real disk. What differs between systems is in the files named
// after them.
type osFS struct{}

func (osFS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }
func (osFS) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }
func (osFS) SameFile(a, b fs.FileInfo) bool         { return os.SameFile(a, b) }
func (osFS) Links(info fs.FileInfo) uint64          { return links(info) }
func (osFS) Remove(name string) error               { return os.Remove(name) }
func (osFS) Rename(from, to string) error           { return rename(from, to) }
func (osFS) RenameNew(from, to string) error        { return renameNew(from, to) }

func (osFS) Open(name string) (File, error) {
	f, err := openPart(name)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) OpenDir(name string) (Dir, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return osDir{f}, nil
}

type osFile struct{ *os.File }

func (f osFile) Lock() error               { return lock(f.File) }
func (f osFile) Allocate(size int64) error { return allocate(f.File, size) }

type osDir struct{ f *os.File }

func (d osDir) Sync() error  { return syncDir(d.f) }
func (d osDir) Close() error { return d.f.Close() }
