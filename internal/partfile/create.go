package partfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

const (
	// partMode keeps a file private until it is whole and has its final mode.
	partMode fs.FileMode = 0o600

	// maxTakeovers bounds the retries when the part file is renamed or removed
	// between open and lock. Each retry means that another fetch just ended.
	// Arbitrary.
	maxTakeovers = 16
)

var (
	errForeignPart = errors.New("something else is in its place: remove it")
	errBusyPart    = fmt.Errorf("the part file keeps changing: %w", ErrLocked)
)

// Option says how the final file comes to be. The zero value replaces what is
// there, if there is anything, and gives the file its mode, else that of a new file.
type Option struct {
	NoClobber bool        // fail with ErrExists rather than replace
	Mode      fs.FileMode // permission bits of the final file; 0: as before, or 0666 less the umask
	FS        FS          // the disk; nil: the real one

	Restart    bool  // forget what an earlier run left
	PieceBytes int64 // how long a piece of a Record is; 0: 1 MiB
}

// Left returns the size of the file of which an earlier run has left a part
// beside dest, false if there is none. disk is the real one if it is nil.
func Left(dest string, disk FS) (size int64, ok bool) {
	if disk == nil {
		disk = osFS{}
	}
	info, err := disk.Lstat(partPath(dest))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Create opens, locks and allocates the part file for dest, size bytes long, and
// reads the journal beside it. A journal that cannot be read or removed fails
// not here but at the first Checkpoint.
func Create(dest string, size int64, opt Option) (*Part, error) {
	if size < 0 {
		return nil, pathError("create", dest, fmt.Errorf("size %d is negative", size))
	}
	if opt.PieceBytes < 0 {
		return nil, pathError("create", dest, fmt.Errorf("pieces of %d bytes", opt.PieceBytes))
	}
	disk := opt.FS
	if disk == nil {
		disk = osFS{}
	}
	if err := checkDest(disk, dest, opt.NoClobber); err != nil {
		return nil, err
	}
	// Opened now, because after the rename it would be too late to learn that
	// the directory cannot be synced.
	parent := filepath.Dir(dest)
	dir, err := disk.OpenDir(parent)
	if err != nil {
		return nil, pathError("open the directory", parent, err)
	}
	path := partPath(dest)
	file, err := takeOver(disk, path)
	if err != nil {
		dir.Close()
		return nil, err
	}
	head := header{pieceBytes: cmp.Or(opt.PieceBytes, defaultPieceBytes), fileBytes: size}
	p := &Part{
		disk: disk, dest: dest, path: path, size: size, pieces: head.pieces(), mode: opt.Mode.Perm(),
		noClobber: opt.NoClobber, file: file, dir: dir,
		journal: journal{disk: disk, path: journalPath(dest), head: head},
	}
	if err := p.prepare(opt); err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// takeOver opens and locks the part file or the journal, be it new or left by an
// earlier run.
//
// Its previous holder may rename or remove it between the open and the lock.
// The lock is then on the final file or on no file at all, and writing would
// damage the one and lose itself in the other: so look again under the lock.
func takeOver(disk FS, path string) (File, error) {
	for range maxTakeovers {
		file, err := disk.Open(path)
		if err != nil {
			return nil, openError(disk, path, err)
		}
		ours, err := lockNamed(disk, file, path)
		if err == nil && ours {
			return file, nil
		}
		file.Close()
		if err != nil {
			return nil, err
		}
	}
	return nil, pathError("lock", path, errBusyPart)
}

// lockNamed locks file and tells whether it is the one under path, and under
// no other name.
func lockNamed(disk FS, file File, path string) (bool, error) {
	opened, err := file.Stat()
	if err != nil {
		return false, pathError("stat", path, err)
	}
	if !opened.Mode().IsRegular() {
		return false, pathError("open", path, errForeignPart)
	}
	if err := file.Lock(); err != nil {
		return false, pathError("lock", path, err)
	}
	named, err := disk.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, pathError("stat", path, err)
	}
	if !disk.SameFile(opened, named) {
		return false, nil
	}
	if disk.Links(named) > 1 {
		// The final file, where RenameNew linked and was killed before it
		// unlinked; or a link that somebody planted. It is not ours to write,
		// and nothing is lost with this one of its names.
		if err := disk.Remove(path); err != nil {
			return false, pathError("remove", path, err)
		}
		return false, nil
	}
	return true, nil
}

// prepare makes a locked part file private, gives it its size and reads the
// journal of an earlier run. A failure leaves a file that held something that
// counts, and removes one that did not.
//
// A journal beside an empty part file is of a fetch that has ended, or was cut
// off as it ended. It goes before the part file gets a size, or another run
// would take the two for a pair.
func (p *Part) prepare(opt Option) error {
	info, err := p.file.Stat()
	if err != nil {
		return pathError("stat", p.path, err)
	}
	empty := info.Size() == 0 || opt.Restart
	if empty {
		p.journal.forget()
	}
	// An earlier Commit may have failed after it set the final mode.
	if err = p.file.Chmod(partMode); err != nil {
		err = pathError("chmod", p.path, err)
	} else if err = p.allocate(opt.Restart); err != nil {
		err = pathError("allocate", p.path, err)
	}
	if err != nil && empty {
		err = errors.Join(err, p.remove())
	}
	if err == nil && !empty {
		p.resumed = p.journal.load()
	}
	return err
}

// allocate gives the part file its size, and anew if what it holds is to go.
func (p *Part) allocate(anew bool) error {
	if anew {
		if err := p.file.Allocate(0); err != nil {
			return err
		}
	}
	return p.file.Allocate(p.size)
}

// openError tells what is in the way where the system's word alone ("too many
// levels of symbolic links") would not.
func openError(disk FS, path string, err error) error {
	if info, statErr := disk.Lstat(path); statErr == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w (%w)", errForeignPart, cause(err))
	}
	return pathError("open", path, err)
}
