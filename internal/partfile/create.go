package partfile

import (
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
	errForeignPart = errors.New("in the place of the part file is something else: remove it")
	errBusyPart    = fmt.Errorf("the part file keeps changing: %w", ErrLocked)
)

// Option says how the final file comes to be. The zero value replaces what is
// there and gives the file the mode that a new file has.
type Option struct {
	NoClobber bool        // fail with ErrExists rather than replace
	Mode      fs.FileMode // permission bits of the final file; 0: 0666 less the umask
	FS        FS          // the disk; nil: the real one
}

// Create opens, locks and allocates the part file for dest, size bytes long.
func Create(dest string, size int64, opt Option) (*Part, error) {
	if size < 0 {
		return nil, pathError("create", dest, fmt.Errorf("size %d is negative", size))
	}
	disk := opt.FS
	if disk == nil {
		disk = osFS{}
	}
	mode := opt.Mode.Perm()
	if mode == 0 {
		mode = 0o666 &^ umask()
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
	p := &Part{
		disk: disk, dest: dest, path: path, size: size, mode: mode,
		noClobber: opt.NoClobber, file: file, dir: dir,
	}
	if err := p.prepare(); err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// takeOver opens and locks the part file, be it new or left by an earlier run.
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

// prepare makes a locked part file private and gives it its size. A failure
// leaves a file that held something, and removes one that did not.
func (p *Part) prepare() error {
	info, err := p.file.Stat()
	if err != nil {
		return pathError("stat", p.path, err)
	}
	// An earlier Commit may have failed after it set the final mode.
	if err = p.file.Chmod(partMode); err != nil {
		err = pathError("chmod", p.path, err)
	} else if err = p.file.Allocate(p.size); err != nil {
		err = pathError("allocate", p.path, err)
	}
	if err != nil && info.Size() == 0 {
		err = errors.Join(err, p.remove())
	}
	return err
}

// openError tells what is in the way where the system's word alone ("too many
// levels of symbolic links") would not.
func openError(disk FS, path string, err error) error {
	if info, statErr := disk.Lstat(path); statErr == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w (%w)", errForeignPart, cause(err))
	}
	return pathError("open", path, err)
}
