package partfile

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// disk is an FS in memory that forgets, as a real one does: what is not synced
// survives a crash or not, each change on its own. It counts its calls, and
// fault may fail any of them.
type disk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	pending []nameChange // changes of names that no directory sync has covered
	opened  int          // files and directories now open
	calls   []string
	fault   func(n int, call string) error // nil: the call does its work
}

// nameChange is one change of the directory: set name, unset gone ("" for none).
type nameChange struct {
	name string
	file *inode
	gone string
}

type inode struct {
	mode    fs.FileMode
	data    []byte
	durable []byte
	pending []change
	locked  bool
}

// change is a write, or a change of size where data is nil.
type change struct {
	off  int64
	data []byte
}

// errShort makes a write stop half-way without an error.
const errShort = syscall.Errno(0)

func newDisk() *disk {
	return &disk{names: map[string]*inode{}, durable: map[string]*inode{}}
}

// put gives the disk a file that is durable.
func (d *disk) put(name, content string) {
	file := &inode{mode: 0o644, data: []byte(content), durable: []byte(content)}
	d.names[name], d.durable[name] = file, file
}

// content returns what is under name.
func (d *disk) content(name string) (string, bool) {
	file, ok := d.names[name]
	if !ok {
		return "", false
	}
	return string(file.data), true
}

// crash returns the disk as the next boot finds it: of the unsynced changes
// each is kept or lost, and a kept write may be torn.
func (d *disk) crash(rng *rand.Rand) *disk {
	after := newDisk()
	survivors := map[*inode]*inode{}
	survive := func(file *inode) *inode {
		if survivors[file] == nil {
			data := slices.Clone(file.durable)
			for _, c := range file.pending {
				if rng.IntN(2) == 0 {
					continue
				}
				if c.data != nil && rng.IntN(4) == 0 {
					c.data = c.data[:rng.IntN(len(c.data)+1)]
				}
				data = c.apply(data)
			}
			survivors[file] = &inode{mode: file.mode, data: data, durable: slices.Clone(data)}
		}
		return survivors[file]
	}
	names := maps.Clone(d.durable)
	for _, r := range d.pending {
		if rng.IntN(2) == 0 {
			r.apply(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := survive(names[name])
		after.names[name], after.durable[name] = file, file
	}
	return after
}

func (c change) apply(data []byte) []byte {
	if c.data == nil {
		if int64(len(data)) > c.off {
			return data[:c.off]
		}
		return append(data, make([]byte, c.off-int64(len(data)))...)
	}
	if end := c.off + int64(len(c.data)); int64(len(data)) < end {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[c.off:], c.data)
	return data
}

func (r nameChange) apply(names map[string]*inode) {
	if r.name != "" {
		names[r.name] = r.file
	}
	delete(names, r.gone)
}

// enter counts a call and asks whether it fails. The disk stays locked.
func (d *disk) enter(call string) error {
	d.mu.Lock()
	d.calls = append(d.calls, call)
	if d.fault == nil {
		return nil
	}
	return d.fault(len(d.calls), call)
}

func (d *disk) change(r nameChange) {
	r.apply(d.names)
	d.pending = append(d.pending, r)
}

func (d *disk) Lstat(name string) (fs.FileInfo, error) { return d.info("lstat", name) }
func (d *disk) Stat(name string) (fs.FileInfo, error)  { return d.info("stat", name) }

func (d *disk) info(call, name string) (fs.FileInfo, error) {
	err := d.enter(call)
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	file, ok := d.names[name]
	if !ok {
		return nil, syscall.ENOENT
	}
	return memInfo{name: name, file: file, size: int64(len(file.data))}, nil
}

func (d *disk) SameFile(a, b fs.FileInfo) bool { return a.(memInfo).file == b.(memInfo).file }
func (d *disk) Links(fs.FileInfo) uint64       { return 1 }

func (d *disk) Open(name string) (File, error) {
	err := d.enter("open")
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	file, ok := d.names[name]
	if !ok {
		file = &inode{mode: partMode}
		d.change(nameChange{name: name, file: file})
	}
	d.opened++
	return &memFile{disk: d, inode: file}, nil
}

func (d *disk) OpenDir(string) (Dir, error) {
	err := d.enter("opendir")
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d.opened++
	return memDir{d}, nil
}

func (d *disk) Rename(from, to string) error {
	err := d.enter("rename")
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.move(from, to)
}

func (d *disk) RenameNew(from, to string) error {
	err := d.enter("rename new")
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if _, ok := d.names[to]; ok {
		return syscall.EEXIST
	}
	return d.move(from, to)
}

func (d *disk) move(from, to string) error {
	file, ok := d.names[from]
	if !ok {
		return syscall.ENOENT
	}
	d.change(nameChange{name: to, file: file, gone: from})
	return nil
}

func (d *disk) Remove(name string) error {
	err := d.enter("remove")
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if _, ok := d.names[name]; !ok {
		return syscall.ENOENT
	}
	d.change(nameChange{gone: name})
	return nil
}

type memDir struct{ d *disk }

func (m memDir) Sync() error {
	err := m.d.enter("sync dir")
	defer m.d.mu.Unlock()
	if err != nil {
		return err
	}
	m.d.durable, m.d.pending = maps.Clone(m.d.names), nil
	return nil
}

func (m memDir) Close() error {
	err := m.d.enter("close dir")
	defer m.d.mu.Unlock()
	m.d.opened--
	return err
}

type memFile struct {
	disk  *disk
	inode *inode
	owner bool // holds the lock
}

func (f *memFile) Stat() (fs.FileInfo, error) {
	err := f.disk.enter("fstat")
	defer f.disk.mu.Unlock()
	return memInfo{file: f.inode, size: int64(len(f.inode.data))}, err
}

func (f *memFile) Lock() error {
	err := f.disk.enter("lock")
	defer f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	if f.inode.locked {
		return ErrLocked
	}
	f.inode.locked, f.owner = true, true
	return nil
}

func (f *memFile) Allocate(size int64) error {
	err := f.disk.enter("allocate")
	defer f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	f.change(change{off: size})
	return nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	err := f.disk.enter("write")
	defer f.disk.mu.Unlock()
	if err != nil {
		b = b[:len(b)/2] // a write that fails may have done a part of its work
	}
	f.change(change{off: off, data: slices.Clone(b)})
	if err == errShort {
		err = nil
	}
	return len(b), err
}

func (f *memFile) change(c change) {
	f.inode.data = c.apply(f.inode.data)
	f.inode.pending = append(f.inode.pending, c)
}

func (f *memFile) Chmod(mode fs.FileMode) error {
	err := f.disk.enter("chmod")
	defer f.disk.mu.Unlock()
	if err == nil {
		f.inode.mode = mode
	}
	return err
}

func (f *memFile) Sync() error {
	err := f.disk.enter("sync")
	defer f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	f.inode.durable, f.inode.pending = slices.Clone(f.inode.data), nil
	return nil
}

// Close gives the lock back even when it fails, as close(2) does on Linux.
func (f *memFile) Close() error {
	err := f.disk.enter("close")
	defer f.disk.mu.Unlock()
	f.disk.opened--
	if f.owner {
		f.inode.locked, f.owner = false, false
	}
	return err
}

type memInfo struct {
	name string
	file *inode
	size int64
}

func (i memInfo) Name() string       { return filepath.Base(i.name) }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.file.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }
