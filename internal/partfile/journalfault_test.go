package partfile_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

// faultStory is a fetch with checkpoints, the same for the same arguments, up to
// its start or, resumed, to where an earlier run has left it.
func faultStory(t *testing.T, resumed bool) *story {
	s := &story{t: t, rng: rand.New(rand.NewPCG(7, 7)), disk: startDisk(true), text: storyText(200), saveEvery: 3}
	if !resumed {
		return s
	}
	p, err := s.create()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 4, 6, 9} {
		if err := s.write(p, i, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.checkpoint(p, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever call fails, and however: a fault of the journal does not stop the
// fetch, one of the data does; the destination stays old or becomes whole; and
// what was saved before is saved.
func TestAnyFailingCallOfACheckpointedFetch(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		clean := faultStory(t, resumed)
		first := len(clean.disk.Calls())
		if err := clean.run(); err != nil || !clean.whole(true) || clean.checkpoints < 3 {
			t.Fatalf("fetch without a fault: %v, %d checkpoints", err, clean.checkpoints)
		}
		for i, call := range clean.disk.Calls()[first:] {
			for _, fault := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EACCES, diskmodel.ErrShort} {
				if fault == diskmodel.ErrShort && call.Op != diskmodel.Write {
					continue
				}
				name := fmt.Sprintf("resumed %v/%d %s %s/%d", resumed, i+1, call.Op, call.Path, int(fault))
				t.Run(name, func(t *testing.T) {
					s := faultStory(t, resumed)
					failCheckpointed(t, s, first+i+1, fault)
				})
			}
		}
	}
}

// failCheckpointed fails call n and goes on after it, after a crash too.
func failCheckpointed(t *testing.T, s *story, n int, fault syscall.Errno) {
	var failed diskmodel.Call
	s.disk.Fault = func(i int, c diskmodel.Call) error {
		if i != n {
			return nil
		}
		failed = c
		if isJournal(c) && c.Op != diskmodel.Write && c.Op != diskmodel.Sync {
			s.safe = nil // perhaps not readable in this run
		}
		return fault
	}
	saved := maps.Clone(s.safe)
	err := s.run()
	if s.safe == nil {
		s.safe = map[int64]bool{}
	}
	maps.Copy(s.safe, saved)
	s.disk.Fault = nil
	if failed.Op == "" {
		t.Fatal("the fault did not happen")
	}
	whole := s.whole(true)
	if s.disk.Opened() != 0 {
		t.Errorf("%d files left open", s.disk.Opened())
	}
	checkFault(t, s, failed, fault, err, whole)
	if whole {
		return
	}

	after := *s // the machine crashes as well
	after.safe = maps.Clone(s.safe)
	after.boot()
	for _, next := range []*story{&after, s} {
		if err := next.run(); err != nil || !next.whole(true) {
			t.Fatalf("fetch after the fault = %v", err)
		}
	}
}

// checkFault checks what the fetch has said of a fault.
func checkFault(t *testing.T, s *story, failed diskmodel.Call, fault syscall.Errno, err error, whole bool) {
	switch {
	case isJournal(failed):
		if err != nil || !whole {
			t.Errorf("fetch = %v, whole %v: the journal has stopped it", err, whole)
		}
		wrote := failed.Op == diskmodel.Write || failed.Op == diskmodel.Sync
		if wrote && (s.journalErr == nil || fault != diskmodel.ErrShort && !errors.Is(s.journalErr, fault) ||
			!strings.Contains(s.journalErr.Error(), memJournal)) {
			t.Errorf("Checkpoint = %v, want ErrJournal, the path and %v", s.journalErr, fault)
		}
	case failed.Op == diskmodel.SyncDir:
		if !whole || err == nil && s.journalErr == nil || err != nil && !errors.Is(err, partfile.ErrUnsynced) {
			t.Errorf("fetch = %v, whole %v, journal: %v", err, whole, s.journalErr)
		}
	case failed.Op == diskmodel.Close || failed.Op == diskmodel.CloseDir:
		if err != nil || !whole {
			t.Errorf("fetch = %v, whole %v; want success", err, whole)
		}
	case failed.Op == diskmodel.FileStat || failed.Op == diskmodel.Lstat:
		// Also asked for the journal's sake.
		if whole != (err == nil) || err == nil && !errors.Is(s.journalErr, fault) {
			t.Errorf("fetch = %v, whole %v, journal: %v", err, whole, s.journalErr)
		}
	default:
		if err == nil || whole || errors.Is(err, partfile.ErrJournal) || fault != diskmodel.ErrShort && !errors.Is(err, fault) {
			t.Errorf("fetch = %v, whole %v; want %v", err, whole, fault)
		}
	}
}

// After a sync that fails the kernel may have dropped the pages and call them
// clean: the next sync succeeds and has not written them (fsyncgate).
func TestFailedSyncIsNotForgotten(t *testing.T) {
	s := faultStory(t, true)
	p, err := s.create()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(p, 0, 0); err != nil {
		t.Fatal(err)
	}
	s.disk.Fault = func(_ int, c diskmodel.Call) error {
		if c.Op != diskmodel.Sync || c.Path != memPart {
			return nil
		}
		p.Note(s.record(2)) // comes while the sync is under way
		return syscall.EIO
	}
	if err := p.Checkpoint(); !errors.Is(err, syscall.EIO) || errors.Is(err, partfile.ErrJournal) {
		t.Fatalf("Checkpoint = %v, want EIO of the data", err)
	}
	s.disk.Fault = nil
	p.Note(s.record(3))
	if err := p.Checkpoint(); !errors.Is(err, syscall.EIO) {
		t.Errorf("second Checkpoint = %v, want EIO as before", err)
	}
	if _, err := p.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("WriteAt = %v, want EIO as before", err)
	}
	p.Note(s.record(5))
	if err := p.Commit(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Commit = %v, want EIO as before", err)
	}

	p, err = s.create()
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, r := range p.Resumed() {
		got = append(got, r.Piece)
	}
	if fmt.Sprint(got) != "[1 4 6 9]" {
		t.Errorf("the journal has pieces %v, want those of the first run, [1 4 6 9]", got)
	}
	p.Close()
	s.boot()
	if err := s.run(); err != nil || !s.whole(true) {
		t.Fatalf("fetch after the fault = %v", err)
	}
}

// What was noted before a write failed is good, whether it is saved by a
// Checkpoint or by Close.
func TestWriteErrorKeepsWhatWasNoted(t *testing.T) {
	for _, save := range []bool{false, true} {
		s := faultStory(t, false)
		p, err := s.create()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.write(p, 2, 0); err != nil {
			t.Fatal(err)
		}
		s.disk.Fault = func(_ int, c diskmodel.Call) error {
			if c.Op == diskmodel.Write && c.Path == memPart {
				return syscall.ENOSPC
			}
			return nil
		}
		if _, err := p.WriteAt([]byte(s.piece(0)), 0); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("WriteAt = %v, want ENOSPC", err)
		}
		if save {
			if err := p.Checkpoint(); err != nil {
				t.Errorf("Checkpoint = %v", err)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		s.disk.Fault = nil
		if save {
			s.boot()
		}
		s.safe = map[int64]bool{2: true}
		if err := s.run(); err != nil || !s.whole(true) {
			t.Fatalf("fetch after the fault = %v", err)
		}
	}
}

// A journal that fails is given up, and each Checkpoint says so.
func TestLostJournalIsToldEachTime(t *testing.T) {
	s := faultStory(t, false)
	s.disk.Fault = func(_ int, c diskmodel.Call) error {
		if c.Op == diskmodel.Write && isJournal(c) {
			return syscall.ENOSPC
		}
		return nil
	}
	p, err := s.create()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const want = "write " + memJournal + ": what is fetched from now on cannot be resumed: no space left on device"
	for i := range 2 {
		p.Note(s.record(i))
		if err := p.Checkpoint(); !errors.Is(err, partfile.ErrJournal) || err.Error() != want {
			t.Errorf("Checkpoint %d = %v, want %s", i, err, want)
		}
		s.disk.Fault = nil
	}
	if err := p.Checkpoint(); err != nil {
		t.Errorf("Checkpoint with nothing noted = %v", err)
	}
}
