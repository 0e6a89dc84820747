package peer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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

// busyDisk is one that takes its time to reserve space.
type busyDisk struct {
	fullDisk
	asked, done chan struct{}
}

func (d busyDisk) Open(name string) (partfile.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	return busyFile{fullFile{f}, d}, err
}

type busyFile struct {
	fullFile
	disk busyDisk
}

func (f busyFile) Allocate(size int64) error {
	f.disk.asked <- struct{}{}
	<-f.disk.done
	return f.fullFile.Allocate(size)
}

// TestNobodyWaitsForTheDisk to reserve what one peer has told but that peer's
// session. Who answers meanwhile takes part once there is a part file, and a size
// that has most votes by then is begun.
func TestNobodyWaitsForTheDisk(t *testing.T) {
	for name, sizes := range map[string][]int64{
		"one size":  {4 << 20, 4 << 20, 4 << 20},
		"two sizes": {5 << 20, 4 << 20, 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			b := bare(t, 4<<20, len(sizes))
			disk := busyDisk{asked: make(chan struct{}), done: make(chan struct{})}
			b.opt.Out, b.opt.Disk = filepath.Join(t.TempDir(), "out"), disk
			d := newFileDestination(b.opt)
			b.dest = d
			var first *clientSession
			begun := make(chan struct{})
			go func() {
				defer close(begun)
				first = b.opened(0, sizes[0])
			}()
			<-disk.asked
			late := []*clientSession{b.opened(1, sizes[1]), b.opened(2, sizes[2])} // or here it hangs
			if late[0].joined || late[1].joined || b.Snapshot().Done > 0 {
				t.Fatal("the file was begun: nothing is waited for")
			}
			go func() {
				disk.done <- struct{}{}
				if sizes[0] != sizes[1] {
					<-disk.asked
					disk.done <- struct{}{}
				}
			}()
			<-begun
			b.settleNow()
			for _, c := range append(late, first) {
				if err := c.obey(); err != nil {
					t.Fatal(err)
				}
				if want := c.size == sizes[1]; c.joined != want {
					t.Errorf("%s takes part: %v", c.peer.Addr, c.joined)
				}
			}
			if b.size != sizes[1] || b.written != 0 {
				t.Errorf("%d bytes are fetched", b.size)
			}
			if err := d.end(errEnough); !errors.Is(err, errEnough) {
				t.Error(err)
			}
		})
	}
}
