package partfile

import (
	"errors"
	"fmt"
	"io/fs"
)

var errPartGone = errors.New("the part file was removed or replaced while it was written: fetch again")

// Commit ends the Part, gives the file its final name and removes the journal.
// After an error the final name shows what it showed before and the part file is
// left for a later fetch, as by Close, but for ErrUnsynced: then the file is in place, and perhaps not for
// good.
func (p *Part) Commit() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.file == nil {
		return pathError("commit", p.dest, fs.ErrClosed)
	}
	err := p.publish()
	if err == nil || errors.Is(err, ErrUnsynced) {
		p.journal.retire()
	} else {
		p.leave()
		_ = p.file.Chmod(partMode) // it may have had its final mode
	}
	if closeErr := p.release(); err == nil && closeErr != nil {
		// All bytes were synced before: there is nothing left that a close
		// could fail to write.
		return nil
	}
	return err
}

// publish does Commit's work on an open Part. The mode comes before the sync,
// which then makes both durable.
func (p *Part) publish() error {
	if err := p.failed(); err != nil {
		return err
	}
	mode, err := p.finalMode()
	if err != nil {
		return err
	}
	if err := p.file.Chmod(mode); err != nil {
		return pathError("chmod", p.path, err)
	}
	if err := p.syncData(); err != nil {
		return err
	}
	if err := p.checkNamed(); err != nil {
		return err
	}
	if err := checkDest(p.disk, p.dest, p.noClobber); err != nil {
		return err
	}
	if err := p.rename(); err != nil {
		return err
	}
	if err := p.dir.Sync(); err != nil {
		return pathError("sync the directory of", p.dest, fmt.Errorf("%w: %w", ErrUnsynced, cause(err)))
	}
	return nil
}

// finalMode returns the permission bits that the file is to have.
func (p *Part) finalMode() (fs.FileMode, error) {
	if p.mode != 0 {
		return p.mode, nil
	}
	before, err := p.disk.Lstat(p.dest) // a link is replaced itself, and has no mode to keep
	switch {
	case err == nil && before.Mode().IsRegular():
		return before.Mode().Perm(), nil
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return 0o666 &^ umask(), nil
	}
	return 0, pathError("stat", p.dest, err)
}

// rename gives the part file its final name.
func (p *Part) rename() error {
	if !p.noClobber {
		if err := p.disk.Rename(p.path, p.dest); err != nil {
			return pathError("rename to", p.dest, err)
		}
		return nil
	}
	err := p.disk.RenameNew(p.path, p.dest)
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	if err != nil {
		return pathError("rename to", p.dest, err)
	}
	return nil
}

// checkNamed makes sure that the part file's path still leads to the file that
// was written. Somebody who removed it by hand made room for another fetch,
// whose unfinished file must not get the final name.
func (p *Part) checkNamed() error {
	opened, err := p.file.Stat()
	if err != nil {
		return pathError("stat", p.path, err)
	}
	named, err := p.disk.Lstat(p.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pathError("stat", p.path, err)
	}
	if err != nil || !p.disk.SameFile(opened, named) {
		return pathError("commit", p.path, errPartGone)
	}
	return nil
}
