package partfile

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// Part is a file on its way to its final name. All of it is for any number of
// goroutines. Close, Commit and Discard end the Part, the first of them that
// comes.
type Part struct {
	disk      FS
	dest      string // the final path
	path      string // the part file's
	size      int64
	pieces    int64
	mode      fs.FileMode // of the final file; 0: as before
	noClobber bool

	// ending is shared by writers and held alone by what ends the Part, so that
	// no write under way reaches a file that already has its final name.
	ending sync.RWMutex
	file   File // nil once the Part has ended
	dir    Dir

	failing sync.Mutex
	failure error // the first of WriteAt, or of a sync

	resumed       []Record
	checkpointing sync.Mutex // held for the journal, unless ending is held alone
	journal       journal

	noting sync.Mutex
	noted  []Record // since the last Checkpoint
	worth  bool     // something was noted, ever
}

// WriteAt writes b at byte off of the file, all of it or an error. Once a write
// has failed the file can not become whole: every later WriteAt and Commit
// return that first error.
func (p *Part) WriteAt(b []byte, off int64) (int, error) {
	p.ending.RLock()
	defer p.ending.RUnlock()
	if p.file == nil {
		return 0, pathError("write", p.path, fs.ErrClosed)
	}
	if err := p.failed(); err != nil {
		return 0, err
	}
	if off < 0 || int64(len(b)) > p.size-off {
		return 0, p.fail("write", fmt.Errorf("%d bytes at %d are outside the file's %d", len(b), off, p.size))
	}
	n, err := p.file.WriteAt(b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, p.fail("write", err)
	}
	return n, nil
}

// ReadAt reads len(b) bytes at byte off of the file, or fewer and io.EOF at its
// end. What was not written before, by this run or an earlier one, may be
// anything.
func (p *Part) ReadAt(b []byte, off int64) (int, error) {
	p.ending.RLock()
	defer p.ending.RUnlock()
	if p.file == nil {
		return 0, pathError("read", p.path, fs.ErrClosed)
	}
	n, err := p.file.ReadAt(b, off)
	if err != nil && err != io.EOF {
		err = pathError("read", p.path, err)
	}
	return n, err
}

// failed returns the first error of a write or sync.
func (p *Part) failed() error {
	p.failing.Lock()
	defer p.failing.Unlock()
	return p.failure
}

// fail records err, unless something failed before, and returns it.
func (p *Part) fail(op string, err error) error {
	err = pathError(op, p.path, err)
	p.failing.Lock()
	defer p.failing.Unlock()
	if p.failure == nil {
		p.failure = err
	}
	return err
}

// Close ends the Part and leaves the part file as it is, for a later fetch to
// take over. What was noted goes into the journal without a sync; if that fails
// it is lost and Close does not. It waits for the writes and the Checkpoint under
// way. After Commit or Discard it does nothing.
func (p *Part) Close() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.file == nil {
		return nil
	}
	p.leave()
	return p.release()
}

// Worthless reports whether a later fetch has nothing to take over: no piece was
// noted, by this run or an earlier one. A journal that could not be read may say
// something.
func (p *Part) Worthless() bool {
	p.noting.Lock()
	worth := p.worth
	p.noting.Unlock()
	p.ending.RLock()
	defer p.ending.RUnlock()
	p.checkpointing.Lock()
	defer p.checkpointing.Unlock()
	return !worth && len(p.resumed) == 0 && p.journal.err == nil
}

// Discard ends the Part and removes the part file and the journal.
func (p *Part) Discard() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.file == nil {
		return pathError("discard", p.path, fs.ErrClosed)
	}
	err := p.remove()
	if closeErr := p.release(); err == nil {
		err = closeErr
	}
	return err
}

// remove removes the journal and the part file, which must be locked, or the
// files of a fetch that came later would be removed. The lock is given up with
// the part file's name: so the journal goes first.
func (p *Part) remove() error {
	if err := p.checkNamed(); err != nil {
		return err
	}
	journalErr := p.journal.clear()
	if err := p.disk.Remove(p.path); err != nil {
		return pathError("remove", p.path, err)
	}
	if journalErr != nil {
		return pathError("remove", p.journal.path, journalErr)
	}
	return nil
}

// release closes what the Part holds open, and so unlocks the part file.
func (p *Part) release() error {
	p.journal.close() // before the lock is given up
	err := p.file.Close()
	p.dir.Close() // it was only read
	p.file, p.dir = nil, nil
	if err != nil {
		return pathError("close", p.path, err)
	}
	return nil
}
