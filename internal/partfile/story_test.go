package partfile_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

const (
	memPart    = "/d/.file.chunkcp-part"
	memJournal = "/d/.file.chunkcp-journal"

	storyPiece = 16
)

var errStopped = errors.New("stopped by Ctrl-C")

// story is the fetch of one file, over the ends of its processes and its
// machine.
type story struct {
	t    *testing.T
	rng  *rand.Rand
	disk *diskmodel.Disk
	text string
	opt  partfile.Option

	saveEvery int // pieces to a Checkpoint, on average
	stopEvery int // pieces to a Ctrl-C, on average; 0: none

	down bool           // the machine has crashed
	safe map[int64]bool // what a Checkpoint that returned nil covers

	noted       map[int64]bool // in this run
	journalErr  error          // what Checkpoint said of the journal in this run
	resumed     int            // pieces that runs took over
	checkpoints int
}

// storyText returns n bytes that depend on their position.
func storyText(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%04d,", b.Len())
	}
	return b.String()[:n]
}

func (s *story) pieces() int { return (len(s.text) + storyPiece - 1) / storyPiece }

func (s *story) piece(i int) string {
	return s.text[i*storyPiece : min((i+1)*storyPiece, len(s.text))]
}

func (s *story) record(i int) partfile.Record {
	return partfile.Record{Piece: int64(i), Hash: sha256.Sum256([]byte(s.piece(i)))}
}

// create begins a run.
func (s *story) create() (*partfile.Part, error) {
	s.noted, s.journalErr = map[int64]bool{}, nil
	opt := s.opt
	opt.FS, opt.PieceBytes = s.disk, storyPiece
	if opt.Restart {
		s.safe = nil
	}
	_, begun := s.disk.Content(memPart)
	p, err := partfile.Create(memDest, int64(len(s.text)), opt)
	if err != nil {
		return nil, err
	}
	if n := len(p.Resumed()); n > 0 && (!begun || opt.Restart) {
		s.t.Fatalf("%d pieces resumed of an empty part file", n)
	}
	return p, nil
}

// takeOver hashes what the journal says is there and returns what is.
func (s *story) takeOver(p *partfile.Part) (map[int64]bool, error) {
	have := map[int64]bool{}
	last := int64(-1)
	for _, r := range p.Resumed() {
		if r.Piece <= last || r.Piece >= int64(s.pieces()) {
			s.t.Fatalf("piece %d of %d after piece %d", r.Piece, s.pieces(), last)
		}
		last = r.Piece
		if r != s.record(int(r.Piece)) {
			s.t.Fatalf("the journal has a record of piece %d that was never noted", r.Piece)
		}
		b := make([]byte, len(s.piece(int(r.Piece))))
		if _, err := p.ReadAt(b, r.Piece*storyPiece); err != nil {
			return nil, err
		}
		if sha256.Sum256(b) == r.Hash {
			have[r.Piece] = true
		}
	}
	if s.down {
		return nil, diskmodel.ErrCrashed
	}
	s.resumed += len(have)
	return have, nil
}

// checkSafe fails if a piece is missing that a Checkpoint has saved.
func (s *story) checkSafe(have map[int64]bool) {
	s.t.Helper()
	for i := range s.safe {
		if !have[i] {
			s.t.Fatalf("piece %d was saved by a Checkpoint and is lost; %d of %d are left", i, len(have), len(s.safe))
		}
	}
}

// run is the fetch of what is missing, to its end or as far as it gets.
func (s *story) run() error {
	p, err := s.create()
	if err != nil {
		return err
	}
	defer p.Close()
	have, err := s.takeOver(p)
	if err != nil {
		return err
	}
	s.checkSafe(have)
	return s.fetch(p, have)
}

func (s *story) fetch(p *partfile.Part, have map[int64]bool) error {
	for _, i := range s.rng.Perm(s.pieces()) {
		if have[int64(i)] {
			continue
		}
		if s.stopEvery > 0 && s.rng.IntN(s.stopEvery) == 0 {
			return errStopped
		}
		if err := s.write(p, i, s.rng.IntN(len(s.piece(i)))); err != nil {
			return err
		}
		if s.rng.IntN(s.saveEvery) > 0 {
			continue
		}
		if err := s.checkpoint(p, have); err != nil {
			return err
		}
	}
	return p.Commit()
}

// write writes piece i, what is behind cut first, and notes it.
func (s *story) write(p *partfile.Part, i, cut int) error {
	off, text := int64(i*storyPiece), s.piece(i)
	if _, err := p.WriteAt([]byte(text[cut:]), off+int64(cut)); err != nil {
		return err
	}
	if cut > 0 {
		if _, err := p.WriteAt([]byte(text[:cut]), off); err != nil {
			return err
		}
	}
	p.Note(s.record(i))
	s.noted[int64(i)] = true
	return nil
}

// checkpoint takes what it covers to be safe from here on, which is what an
// earlier run has left too: a sync is of the whole file.
func (s *story) checkpoint(p *partfile.Part, have map[int64]bool) error {
	err := p.Checkpoint()
	if errors.Is(err, partfile.ErrJournal) && !errors.Is(err, diskmodel.ErrCrashed) {
		s.journalErr = err
		return nil
	}
	if err != nil {
		return err
	}
	s.checkpoints++
	if s.safe == nil {
		s.safe = map[int64]bool{}
	}
	for _, saved := range []map[int64]bool{have, s.noted} {
		for i := range saved {
			s.safe[i] = true
		}
	}
	return nil
}

// crashAt stops the machine at a call of the disk.
func (s *story) crashAt(at int) {
	s.disk.Fault = func(n int, _ diskmodel.Call) error {
		if n < at {
			return nil
		}
		s.down = true
		return diskmodel.ErrCrashed
	}
}

// boot starts the machine again, with what the disk remembers.
func (s *story) boot() {
	s.disk, s.down = s.disk.Crash(s.rng), false
}

// whole tells whether the destination is the new file, and fails if it is
// neither that nor what it was before.
func (s *story) whole(old bool) bool {
	s.t.Helper()
	text, ok := s.disk.Content(memDest)
	switch {
	case ok && text == s.text:
		return true
	case ok != old || ok && text != oldText:
		s.t.Fatalf("destination is %q, there: %v; it was there before: %v", text, ok, old)
	}
	return false
}
