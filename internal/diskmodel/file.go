package diskmodel

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"

	"chunkcp/internal/partfile"
)

type memDir struct {
	d    *Disk
	path string
}

func (m memDir) Sync() error {
	err := m.d.enter(SyncDir, m.path)
	defer m.d.mu.Unlock()
	if err != nil {
		return err
	}
	m.d.durable, m.d.pending = maps.Clone(m.d.names), nil
	return nil
}

func (m memDir) Close() error {
	err := m.d.enter(CloseDir, m.path)
	defer m.d.mu.Unlock()
	m.d.opened--
	return err
}

type memFile struct {
	disk  *Disk
	path  string
	inode *inode
	owner bool // holds the lock
}

func (f *memFile) Stat() (fs.FileInfo, error) {
	err := f.disk.enter(FileStat, f.path)
	defer f.disk.mu.Unlock()
	return memInfo{file: f.inode, size: int64(len(f.inode.data))}, err
}

func (f *memFile) Lock() error {
	err := f.disk.enter(Lock, f.path)
	defer f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	if f.inode.locked {
		return partfile.ErrLocked
	}
	f.inode.locked, f.owner = true, true
	return nil
}

func (f *memFile) Allocate(size int64) error {
	err := f.disk.enter(Allocate, f.path)
	defer f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	f.change(change{off: size})
	return nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	err := f.disk.enter(Read, f.path)
	defer f.disk.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, syscall.EINVAL
	}
	n := copy(b, f.inode.data[min(off, int64(len(f.inode.data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	err := f.disk.enter(Write, f.path)
	defer f.disk.mu.Unlock()
	if err != nil {
		b = b[:len(b)/2] // a write that fails may have done a part of its work
	}
	f.change(change{off: off, data: slices.Clone(b)})
	if err == ErrShort {
		err = nil
	}
	return len(b), err
}

func (f *memFile) change(c change) {
	f.inode.data = c.apply(f.inode.data)
	f.inode.pending = append(f.inode.pending, c)
}

func (f *memFile) Chmod(mode fs.FileMode) error {
	err := f.disk.enter(Chmod, f.path)
	defer f.disk.mu.Unlock()
	if err == nil {
		f.inode.mode = mode
	}
	return err
}

// Sync makes durable what was written since the last sync, not all that reads
// show: what a failed sync has lost stays lost.
func (f *memFile) Sync() error {
	err := f.disk.enter(Sync, f.path)
	defer f.disk.mu.Unlock()
	if errors.Is(err, ErrCrashed) {
		return err
	}
	if err == nil {
		for _, c := range f.inode.pending {
			f.inode.durable = c.apply(f.inode.durable)
		}
	}
	f.inode.pending = nil
	return err
}

// Close gives the lock back even when it fails, as close(2) does on Linux.
func (f *memFile) Close() error {
	err := f.disk.enter(Close, f.path)
	defer f.disk.mu.Unlock()
	f.disk.opened--
	if f.owner {
		f.inode.locked, f.owner = false, false
	}
	return err
}
