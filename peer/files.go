package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/internal/treecache"
	"chunkcp/proto"
)

var (
	errBadName    = errors.New("name is not a slash-separated path below the root")
	errNotRegular = errors.New("not a regular file")
	errNoSize     = errors.New("a file of the kernel, which does not tell its size")
	errFileLength = fmt.Errorf("a file of more than %d bytes, the most that can be asked for: serve it in parts", int64(proto.MaxFileBytes))
	errManyFiles  = errors.New("too many files are open")
	errChanged    = errors.New("file changed while it was served")
)

// root is the directory whose files a server offers.
type root struct {
	dir     *os.Root
	key     secure.PublicKey        // of the server: its file versions are its own
	open    atomic.Int32            // files
	shares  *fileShares             // of them
	private atomic.Pointer[private] // what is not offered
}

func openRoot(path string, key secure.PublicKey) (*root, error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &root{dir: dir, key: key, shares: newFileShares(openFileLimit())}, nil
}

func (r *root) close() { r.dir.Close() }

// stamp is what tells two states of a file apart. Hashes belong to exactly one.
type stamp treecache.Key

// sameBytes reports whether a file has not been written to between two states, as
// far as its own times tell. The system's also changes with each link, mode or
// name that the file gets or loses: cp, rsync and editors put another file in the
// place of one that is being served, which goes on from the open one.
func (s stamp) sameBytes(o stamp) bool {
	s.Changed = o.Changed
	return s == o
}

// servedFile is an open file and the state in which it was opened.
type servedFile struct {
	file    *os.File
	users   *atomic.Int32 // who share it; the last closes it
	open    *atomic.Int32 // the server's count of open files
	stamp   stamp
	version proto.FileVersion
	tree    *hashedFile // of a session's file; nil otherwise
}

// nameFits reports whether a name is one that could be served: relative, with
// slashes, of no more than proto.MaxName bytes, and clean, so that a file has one
// name. What leads out of the root is os.Root's to refuse; what the system takes
// for something else than a path (a device's name, a drive, a stream of another
// file) is refused here too.
func nameFits(name string) bool {
	return len(name) <= proto.MaxName && name != "." && fs.ValidPath(name) &&
		!strings.ContainsAny(name, "\\\x00"+notInNames) && filepath.IsLocal(filepath.FromSlash(name))
}

// take opens a regular file below the root. The name comes from a stranger.
func (r *root) take(name string) (*servedFile, error) {
	switch {
	case !nameFits(name):
		return nil, errBadName
	case isPart(name):
		return nil, errPrivate
	}
	if int(r.open.Add(1)) > r.shares.most {
		r.open.Add(-1)
		return nil, errManyFiles
	}
	f, err := r.openFile(name)
	if err != nil {
		r.open.Add(-1)
	}
	return f, err
}

func (r *root) openFile(name string) (*servedFile, error) {
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
	f := &servedFile{file: file, users: new(atomic.Int32), open: &r.open}
	f.users.Store(1)
	if err := f.identify(r.key, r.private.Load()); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

// identify takes the state of the file that was opened, which need not be the
// one that was looked at. A file keeps its version when the server restarts.
func (f *servedFile) identify(server secure.PublicKey, hidden *private) error {
	info, err := f.file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errNotRegular
	case hidden.has(info):
		return errPrivate
	case info.Size() > proto.MaxFileBytes:
		return errFileLength
	}
	if f.stamp, err = stampOf(f.file); err != nil {
		return err
	}
	if err := f.checkEmpty(); err != nil {
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

// checkEmpty refuses a file that has bytes though its size is 0, as those of /proc
// do: to serve it as an empty one would be a lie.
func (f *servedFile) checkEmpty() error {
	if f.stamp.Size > 0 {
		return nil
	}
	var b [1]byte
	if n, err := f.file.ReadAt(b[:], 0); n > 0 || err != io.EOF {
		return errNoSize
	}
	return nil
}

// readAt fills p from offset.
func (f *servedFile) readAt(p []byte, offset int64) error {
	parts := [1][]byte{p}
	return f.readParts(parts[:], offset)
}

// readParts fills parts, one after the other, from offset on. The state of the
// file is looked at after the read: what was read then belongs to the state that
// was promised.
func (f *servedFile) readParts(parts [][]byte, offset int64) error {
	if err := readParts(f.file, parts, offset); err != nil {
		if s, serr := stampOf(f.file); serr == nil && !s.sameBytes(f.stamp) {
			return errChanged // truncated: the end came early
		}
		return fmt.Errorf("read at %d: %w", offset, err)
	}
	s, err := stampOf(f.file)
	if err != nil {
		return err
	}
	if !s.sameBytes(f.stamp) {
		return errChanged
	}
	return nil
}

// recent reports whether the file was written to so lately that a further write
// may not have changed its times: the clock of a file system ticks as slowly as
// every two seconds (FAT). A tree that was hashed meanwhile is not to be kept.
func (f *servedFile) recent() bool {
	return time.Since(time.Unix(0, max(f.stamp.Modified, f.stamp.Changed))) < racyTime
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
		f.open.Add(-1)
	}
}

func isChange(err error) bool { return errors.Is(err, errChanged) }

// openFailure tells a client no more than it needs: whether what is not served
// is a directory, a link out or absent is not its business.
func openFailure(err error) proto.FailCode {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errFileLength):
		return proto.FailRefused
	case errors.Is(err, errManyFiles), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return proto.FailBusy // it may be there: the client is to ask again
	}
	return proto.FailNotFound
}
