package partfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

var errJournalFull = errors.New("the journal is full")

// journal is the file beside the part file that says which pieces are in it. It
// is touched only while the part file is locked, by one goroutine at a time,
// and made at the first append. Nothing that goes wrong with it is fatal: it is
// kept in err, and the fetch goes on without a journal.
type journal struct {
	disk FS
	path string
	head header // the id is that of the open file

	file  File  // nil: there is none yet
	end   int64 // where the next record goes; 0: the header is to be written first
	named bool  // the directory was synced: a crash leaves the names
	err   error // why nothing more is appended

	// carry is set where an earlier run has left little room: what it says is
	// to be written again, into a new journal.
	carry []Record
}

// fail ends the journal, but for what it holds already.
func (j *journal) fail(op string, err error) error {
	j.err = pathError(op, j.path, fmt.Errorf("%w: %w", ErrJournal, cause(err)))
	return j.err
}

// load opens the journal of an earlier run, if there is one, and returns what
// it says. One that is not of this file is removed.
func (j *journal) load() []Record {
	_, err := j.disk.Lstat(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		j.file, err = takeOver(j.disk, j.path)
	}
	if err != nil {
		_ = j.fail("open", err) // told by the first Checkpoint
		return nil
	}
	records, err := j.read()
	if errors.Is(err, errOtherJournal) {
		j.forget()
	} else if err != nil {
		_ = j.fail("read", err) // told by the first Checkpoint
	}
	return records
}

// read reads the open journal and finds the place of the next record.
func (j *journal) read() ([]Record, error) {
	if err := j.file.Chmod(partMode); err != nil {
		return nil, err
	}
	info, err := j.file.Stat()
	if err != nil {
		return nil, err
	}
	id, records, err := replay(j.file, info.Size(), j.head)
	if err != nil {
		return records, err
	}
	used, all := slotsIn(info.Size()), j.head.slots()
	j.head.id, j.end = id, offset(used)
	if used > all-all/slotsPerPiece { // one more fetch might not fit
		j.carry = records
	}
	return records, nil
}

// forget removes the journal of an earlier run.
func (j *journal) forget() {
	if err := j.clear(); err != nil {
		_ = j.fail("remove", err) // told by the first Checkpoint
	}
}

// clear closes the journal and removes what is under its name. A later one is
// another file then: who may still hold this one open cannot write into it.
func (j *journal) clear() error {
	j.close()
	info, err := j.disk.Lstat(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errForeignPart
	}
	return j.disk.Remove(j.path)
}

// create begins a new, empty journal.
func (j *journal) create() error {
	if err := j.clear(); err != nil {
		return err
	}
	file, err := takeOver(j.disk, j.path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Size() > 0 {
		err = errForeignPart
	}
	if err != nil {
		file.Close()
		return err
	}
	j.file, j.end, j.named = file, 0, false
	rand.Read(j.head.id[:]) // never fails
	return nil
}

// append writes a batch behind what is there, in one write, without a sync.
func (j *journal) append(batch []Record) error {
	at := slotsIn(j.end)
	if at+slot(len(batch)) > j.head.slots() {
		return errJournalFull
	}
	b := make([]byte, 0, headerSize+len(batch)*recordSize)
	if j.end == 0 {
		b = appendHeader(b, j.head)
	}
	for i, r := range batch {
		b = appendRecord(b, r, j.head.id, at+slot(i))
	}
	n, err := j.file.WriteAt(b, j.end)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	j.end += int64(len(b))
	return err
}

// sync makes what was appended durable, and at first the name.
func (j *journal) sync(dir Dir) error {
	if err := j.file.Sync(); err != nil {
		return err
	}
	if j.named {
		return nil
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	j.named = true
	return nil
}

// retire removes the journal of a part file that has its final name. By then
// another fetch may have begun in its place: its journal stays. An error leaves
// a journal that no later fetch believes, for its part file begins empty.
func (j *journal) retire() {
	if j.file == nil {
		return
	}
	opened, err := j.file.Stat()
	if err != nil {
		return
	}
	named, err := j.disk.Lstat(j.path)
	if err != nil || !j.disk.SameFile(opened, named) {
		return
	}
	j.close()
	_ = j.disk.Remove(j.path)
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close() // what matters has been synced
		j.file = nil
	}
}
