package peer

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/partfile"
)

// fullDisk is the host's disk with no room for any piece but the first.
type fullDisk struct{}

func (fullDisk) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }
func (fullDisk) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }
func (fullDisk) SameFile(a, b fs.FileInfo) bool         { return os.SameFile(a, b) }
func (fullDisk) Links(fs.FileInfo) uint64               { return 1 }
func (fullDisk) Rename(from, to string) error           { return os.Rename(from, to) }
func (fullDisk) RenameNew(from, to string) error        { return os.Rename(from, to) }
func (fullDisk) Remove(name string) error               { return os.Remove(name) }
func (fullDisk) OpenDir(name string) (partfile.Dir, error) {
	return os.Open(name)
}

func (fullDisk) Open(name string) (partfile.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	return fullFile{f}, err
}

type fullFile struct{ *os.File }

func (fullFile) Lock() error                 { return nil }
func (f fullFile) Allocate(size int64) error { return f.Truncate(size) }

func (f fullFile) WriteAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, syscall.ENOSPC
	}
	return f.File.WriteAt(p, off)
}

func TestFullDisk(t *testing.T) {
	inWorld(t, 1, 2, 32<<20, storyLink, func(w *world) {
		o := w.options()
		o.Disk = fullDisk{}
		_, took := w.refuse(o, syscall.ENOSPC)
		within(t, "the failure", took, 2*time.Second)
	})
}
