package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/internal/treecache"
	"chunkcp/proto"
)

var (
	errBadName    = errors.New("name is not a slash-separated path below the root")
	errNotRegular = errors.New("not a regular file")
	errChanged    = errors.New("file changed while it was served")
)

// root is the directory whose files a server offers.
type root struct {
	dir *os.Root
	key secure.PublicKey // of the server: its file versions are its own
}

func openRoot(path string, key secure.PublicKey) (*root, error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &root{dir, key}, nil
}

func (r *root) close() { r.dir.Close() }

// stamp is what tells two states of a file apart.
type stamp treecache.Key

// servedFile is an open file and the state in which it was opened.
type servedFile struct {
	file    *os.File
	users   *atomic.Int32 // who share it; the last closes it
	stamp   stamp
	version proto.FileVersion
	tree    *hashedFile // of a session's file; nil otherwise
}

// open opens a regular file below the root. The name comes from a stranger.
func (r *root) open(name string) (*servedFile, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return nil, errBadName
	}
	// Looked at before it is opened, because to open a device may do things.
	if info, err := r.dir.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	file, err := r.dir.OpenFile(name, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	f := &servedFile{file: file, users: new(atomic.Int32)}
	f.users.Store(1)
	if err := f.identify(r.key); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

// identify takes the state of the file that was opened, which need not be the
// one that was looked at. A file keeps its version when the server restarts.
func (f *servedFile) identify(server secure.PublicKey) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errNotRegular
	}
	if f.stamp, err = stampOf(f.file); err != nil {
		return err
	}
	b := append([]byte(nil), server[:]...)
	for _, v := range []uint64{f.stamp.Device, f.stamp.Inode, uint64(f.stamp.Size), uint64(f.stamp.Modified)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	sum := sha256.Sum256(b)
	copy(f.version[:], sum[:])
	return nil
}

// readAt fills p from offset. The state of the file is looked at after the
// read: what was read then belongs to the state that was promised.
func (f *servedFile) readAt(p []byte, offset int64) error {
	if _, err := f.file.ReadAt(p, offset); err != nil {
		if s, serr := stampOf(f.file); serr == nil && s != f.stamp {
			return errChanged // truncated: the end came early
		}
		return fmt.Errorf("read at %d: %w", offset, err)
	}
	s, err := stampOf(f.file)
	if err != nil {
		return err
	}
	if s != f.stamp {
		return errChanged
	}
	return nil
}

// recent reports whether the file was written to so lately that a further write
// may not have changed its time: the clock of a file system ticks as slowly as
// every two seconds (FAT). A tree that was hashed meanwhile is not to be kept.
func (f *servedFile) recent() bool {
	return time.Since(time.Unix(0, f.stamp.Modified)) < racyTime
}

const racyTime = 2 * time.Second

// share returns another user's view of the same open file.
func (f *servedFile) share() *servedFile {
	f.users.Add(1)
	other := *f
	return &other
}

func (f *servedFile) close() {
	if f.users.Add(-1) == 0 {
		f.file.Close()
	}
}

func isChange(err error) bool { return errors.Is(err, errChanged) }
