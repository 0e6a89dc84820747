package diskmodel

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"chunkcp/internal/partfile"
)

// ErrCrashed is what Fault answers once the machine is meant to be down: the
// call fails, and unlike with other errors a sync does no harm, for it has not
// been made. Writes are torn as ever.
var ErrCrashed = errors.New("the machine has crashed")

// ErrShort makes a write stop half-way without an error.
const ErrShort = syscall.Errno(0)

// Call is one call of the disk: what was done, and under which path the file
// was opened.
type Call struct{ Op, Path string }

// The operations of a Call.
const (
	Lstat     = "lstat"
	Stat      = "stat"
	Open      = "open"
	OpenDir   = "open dir"
	Rename    = "rename"
	RenameNew = "rename new"
	Remove    = "remove"
	SyncDir   = "sync dir"
	CloseDir  = "close dir"
	FileStat  = "fstat"
	Lock      = "lock"
	Allocate  = "allocate"
	Read      = "read"
	Write     = "write"
	Chmod     = "chmod"
	Sync      = "sync"
	Close     = "close"
)

// Disk is a partfile.FS in memory. It counts its calls, and Fault may fail any
// of them.
type Disk struct {
	// Fault is asked before each call, the first has number 1. A nil error lets
	// the call do its work.
	Fault func(n int, c Call) error

	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	pending []nameChange // changes of names that no directory sync has covered
	opened  int          // files and directories now open
	calls   []Call
}

type inode struct {
	mode    fs.FileMode
	data    []byte
	durable []byte
	pending []change
	locked  bool
}

// New returns an empty disk.
func New() *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}}
}

// Put gives the disk a file that is durable.
func (d *Disk) Put(name, content string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	file := &inode{mode: 0o644, data: []byte(content), durable: []byte(content)}
	d.names[name], d.durable[name] = file, file
}

// Content returns what is under name now.
func (d *Disk) Content(name string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	file, ok := d.names[name]
	if !ok {
		return "", false
	}
	return string(file.data), true
}

// Names returns the names of all files, sorted.
func (d *Disk) Names() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Calls returns the calls made so far.
func (d *Disk) Calls() []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// Opened returns how many files and directories are open.
func (d *Disk) Opened() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// enter counts a call and asks whether it fails. The disk stays locked.
func (d *Disk) enter(op, path string) error {
	d.mu.Lock()
	c := Call{op, path}
	d.calls = append(d.calls, c)
	if d.Fault == nil {
		return nil
	}
	return d.Fault(len(d.calls), c)
}

func (d *Disk) change(r nameChange) {
	r.apply(d.names)
	d.pending = append(d.pending, r)
}

// Lstat is Stat here, there being no links.
func (d *Disk) Lstat(name string) (fs.FileInfo, error) { return d.info(Lstat, name) }

// Stat describes what is under name.
func (d *Disk) Stat(name string) (fs.FileInfo, error) { return d.info(Stat, name) }

func (d *Disk) info(op, name string) (fs.FileInfo, error) {
	err := d.enter(op, name)
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

// SameFile tells whether a and b, both of this disk, are of one file.
func (d *Disk) SameFile(a, b fs.FileInfo) bool { return a.(memInfo).file == b.(memInfo).file }

// Links is always 1.
func (d *Disk) Links(fs.FileInfo) uint64 { return 1 }

// Open opens name, and creates it if it is missing.
func (d *Disk) Open(name string) (partfile.File, error) {
	err := d.enter(Open, name)
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	file, ok := d.names[name]
	if !ok {
		file = &inode{mode: 0o600}
		d.change(nameChange{name: name, file: file})
	}
	d.opened++
	return &memFile{disk: d, path: name, inode: file}, nil
}

// OpenDir opens the one directory, whatever its name.
func (d *Disk) OpenDir(name string) (partfile.Dir, error) {
	err := d.enter(OpenDir, name)
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d.opened++
	return memDir{d, name}, nil
}

// Rename moves from to to, over what is there.
func (d *Disk) Rename(from, to string) error {
	err := d.enter(Rename, from)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.move(from, to)
}

// RenameNew moves from to to, or fails if something is there.
func (d *Disk) RenameNew(from, to string) error {
	err := d.enter(RenameNew, from)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if _, ok := d.names[to]; ok {
		return syscall.EEXIST
	}
	return d.move(from, to)
}

func (d *Disk) move(from, to string) error {
	file, ok := d.names[from]
	if !ok {
		return syscall.ENOENT
	}
	d.change(nameChange{name: to, file: file, gone: from})
	return nil
}

// Remove takes a name away.
func (d *Disk) Remove(name string) error {
	err := d.enter(Remove, name)
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
