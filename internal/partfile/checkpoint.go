package partfile

import (
	"io/fs"
	"slices"
)

// Resumed returns what the journal of an earlier run says is in the part file:
// the last record of each piece, sorted by piece. It is a hint. The bytes must
// be hashed before they count, and the hash must be the one that is wanted.
func (p *Part) Resumed() []Record { return slices.Clone(p.resumed) }

// Note says that a piece was verified and has been written. It gets into the
// journal at the next Checkpoint. A piece that the file does not have, or that
// comes after the end of the Part, is ignored. From any goroutine.
func (p *Part) Note(r Record) {
	if r.Piece < 0 || r.Piece >= p.pieces {
		return
	}
	p.noting.Lock()
	defer p.noting.Unlock()
	p.noted = append(p.noted, r)
	p.worth = true
}

// takeNoted returns what was noted since it was last called.
func (p *Part) takeNoted() []Record {
	p.noting.Lock()
	defer p.noting.Unlock()
	batch := p.noted
	p.noted = nil
	return batch
}

// Checkpoint makes durable what was noted before: it syncs the data, then
// appends to the journal, then syncs the journal. When it returns nil, a later
// run finds these pieces after any crash. With nothing noted it does nothing.
// From any goroutine; a second one waits for the first.
//
// An error that wraps ErrJournal says that the journal is lost and the data is
// not: the fetch may go on, and can be resumed with what earlier Checkpoints
// have written. Every Checkpoint after it that has something to write returns
// it again.
//
// Any other error is fatal. A sync that fails may have lost any of the bytes
// written before, and the next sync would not say so (Rebello et al., USENIX
// ATC 2020): what was noted is dropped, and WriteAt, Checkpoint and Commit fail
// from then on. After a WriteAt that failed Checkpoint still saves what was
// noted.
func (p *Part) Checkpoint() error {
	p.ending.RLock()
	defer p.ending.RUnlock()
	if p.file == nil {
		return pathError("checkpoint", p.path, fs.ErrClosed)
	}
	p.checkpointing.Lock()
	defer p.checkpointing.Unlock()
	batch := p.takeNoted()
	if len(batch) == 0 {
		return nil
	}
	if p.journal.err != nil {
		return p.journal.err
	}
	if err := p.syncData(); err != nil {
		return err
	}
	return p.record(batch)
}

// syncData syncs the part file. When that fails nothing is known of any byte
// that was written, so nothing more is recorded either.
func (p *Part) syncData() error {
	if err := p.file.Sync(); err != nil {
		err = p.fail("sync", err)
		p.journal.err = err
		return err
	}
	return nil
}

// record appends a batch whose data is durable to the journal and syncs it.
func (p *Part) record(batch []Record) error {
	j := &p.journal
	if j.carry != nil {
		// Until the sync below a power cut may lose the old records with the
		// new ones. It is rare that a journal is written anew.
		batch = slices.Concat(j.carry, batch)
		j.carry = nil
		j.close()
	}
	if err := p.appendJournal(batch); err != nil {
		return err
	}
	if err := j.sync(p.dir); err != nil {
		return j.fail("sync", err)
	}
	return nil
}

// appendJournal appends a batch to the journal, and makes one if there is none.
// If somebody has removed the part file by hand, the journal under that name is
// another fetch's.
func (p *Part) appendJournal(batch []Record) error {
	j := &p.journal
	if j.file == nil {
		if err := p.checkNamed(); err != nil {
			return j.fail("create", err)
		}
		if err := j.create(); err != nil {
			return j.fail("create", err)
		}
	}
	if err := j.append(batch); err != nil {
		return j.fail("write", err)
	}
	return nil
}

// leave appends what was noted since the last Checkpoint when the Part ends
// without a Commit. It waits for no sync: the kernel outlives this process, and
// what a power cut takes from the data will not have its hash. The journal's
// errors are no longer of use to anybody.
func (p *Part) leave() {
	if batch := p.takeNoted(); len(batch) > 0 && p.journal.err == nil {
		_ = p.appendJournal(batch)
	}
}
