package peer

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

// TestAnyDiskCallFails: whichever call of the disk fails, and however, the final
// name shows what it did or the whole file, the error is that of the disk, and
// the next fetch goes on with what was saved.
func TestAnyDiskCallFails(t *testing.T) {
	heavy(t)
	for name, begin := range map[string]func(w *world) *watchedDisk{
		"nothing there": func(*world) *watchedDisk { return startDisk(false) },
		"an old file":   func(*world) *watchedDisk { return startDisk(true) },
		"half fetched":  halfFetched,
	} {
		t.Run(name, func(t *testing.T) {
			inDiskWorld(t, func(w *world) {
				clean := begin(w)
				if _, err := w.fetchTo(clean); err != nil || clean.final(w) != "whole" {
					w.t.Fatalf("without a fault: %v, and the file is %q", err, clean.final(w))
				}
				outcomes := map[string]int{}
				for n, c := range clean.Calls() {
					if n == 0 {
						continue // the look for what is left, which is a hint
					}
					for _, fault := range faultsOf(n, c) {
						d := begin(w)
						outcomes[w.failOne(d, n+1, fault)]++
						if resumed := w.goesOn(d); resumed > 0 {
							outcomes["resumed"]++
						}
						if w.t.Failed() {
							w.t.Fatalf("call %d, %v, fails with %d", n+1, c, int(fault))
						}
					}
				}
				t.Logf("%d calls: %v", len(clean.Calls()), outcomes)
				if outcomes["never made"] > len(clean.Calls())/8 { // a checkpoint more or less: what comes at once has no order
					t.Error("the calls of two fetches have little in common")
				}
				if outcomes["failed"] == 0 || outcomes["whole"] == 0 || outcomes["unsynced"] == 0 || outcomes["resumed"] == 0 {
					t.Error("one of the outcomes never came")
				}
			})
		})
	}
}

// faultsOf returns how a call is made to fail: a write in every way, any other
// with one of the two errors in turn.
func faultsOf(n int, c diskmodel.Call) []syscall.Errno {
	if c.Op == diskmodel.Write {
		return []syscall.Errno{syscall.EIO, syscall.ENOSPC, diskmodel.ErrShort}
	}
	return []syscall.Errno{syscall.EIO, syscall.ENOSPC}[n%2:][:1]
}

// halfFetched returns a disk on which some checkpoints have saved something.
func halfFetched(w *world) *watchedDisk {
	d := startDisk(true)
	syncs := 0
	d.Fault = func(_ int, c diskmodel.Call) error {
		if c.Op == diskmodel.Sync && c.Path == diskJournal {
			syncs++
		}
		if syncs > 1 {
			return diskmodel.ErrCrashed
		}
		return nil
	}
	if _, err := w.fetchTo(d); !errors.Is(err, diskmodel.ErrCrashed) {
		w.t.Fatalf("%v, want a crash", err)
	}
	d = d.boot(rand.New(rand.NewPCG(1, 1)))
	if n := len(recorded(w.t, d.safe)); n == 0 || n == diskPieces {
		w.t.Fatalf("%d pieces are saved, want some and not all", n)
	}
	return d
}

// failOne fails one call of a fetch and returns what became of it.
func (w *world) failOne(d *watchedDisk, n int, fault syscall.Errno) string {
	w.t.Helper()
	var failed *diskmodel.Call
	done := map[diskmodel.Call]int{} // before that
	before := len(d.Calls())
	d.Fault = func(i int, c diskmodel.Call) error {
		switch {
		case failed != nil:
			return nil
		case i < before+n, fault == diskmodel.ErrShort && c.Op != diskmodel.Write:
			done[c]++
			return nil
		}
		failed = &c
		return fault
	}
	_, err := w.fetchTo(d)
	if d.Opened() != 0 {
		w.t.Errorf("%d files left open", d.Opened())
	}
	final := d.final(w)
	if final == "whole" {
		d.safe = "" // the next fetch begins anew
	}
	if failed == nil {
		if err != nil || final != "whole" {
			w.t.Fatalf("without a fault: %v, and the file is %q", err, final)
		}
		return "never made"
	}
	switch {
	case survivable(*failed, done):
		if err != nil || final != "whole" {
			w.t.Errorf("%v, and the file is %q; want it whole all the same", err, final)
		}
		return "whole"
	case failed.Op == diskmodel.SyncDir:
		if !errors.Is(err, partfile.ErrUnsynced) || !errors.Is(err, fault) || final != "whole" {
			w.t.Errorf("%v, and the file is %q; want it whole, but not for sure", err, final)
		}
		return "unsynced"
	}
	want := error(fault)
	if fault == diskmodel.ErrShort {
		want = io.ErrShortWrite
	}
	if !errors.Is(err, want) || !d.untouched(w) {
		w.t.Errorf("%v, and the file is %q; want it untouched, and %v", err, final, want)
	}
	return "failed"
}

// survivable reports whether a fetch gets done though a call fails: without its
// journal, without what an earlier one has left, or because all is done by then.
func survivable(c diskmodel.Call, done map[diskmodel.Call]int) bool {
	switch c.Op {
	case diskmodel.Close, diskmodel.CloseDir, diskmodel.Read:
		return true
	case diskmodel.SyncDir: // for the journal's name
		return done[diskmodel.Call{Op: diskmodel.Rename, Path: diskPart}] == 0
	case diskmodel.FileStat, diskmodel.Lstat: // before a journal is made beside it
		if c.Path == diskPart {
			return done[diskmodel.Call{Op: diskmodel.Chmod, Path: diskPart}] == 1
		}
	}
	return isJournalCall(c)
}

// TestCrashAtAnyDiskCall: the machine goes down in the middle of fetches, at any
// call of the disk, and what was not synced is there or not. The final name shows
// the old file or the whole one, and what a checkpoint has saved is not fetched
// again.
func TestCrashAtAnyDiskCall(t *testing.T) {
	heavy(t)
	seeds := 1000
	if testing.Short() || raceEnabled {
		seeds = 60
	}
	base := randomSeed(t)
	var sum diskToll
	var counting sync.Mutex
	t.Run("worlds", func(t *testing.T) {
		const worlds = 2 // that share the work
		for k := range worlds {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				var own diskToll
				inDiskWorld(t, func(w *world) {
					for n := k; n < seeds && !w.t.Failed(); n += worlds {
						w.liveThroughCrashes(rand.New(rand.NewPCG(base, uint64(n))), &own)
						if w.t.Failed() {
							w.t.Logf("in story %d", n)
						}
					}
				})
				counting.Lock()
				defer counting.Unlock()
				sum.add(own)
			})
		}
	})
	t.Logf("%d stories: %+v", seeds, sum)
	if sum.crashes < seeds || sum.committed == 0 || sum.saved == 0 || sum.resumed == 0 || sum.lostSome == 0 {
		t.Error("something never happened: the test has tried too little")
	}
}

// diskToll counts what has happened, over all seeds.
type diskToll struct {
	crashes   int
	committed int // of those, the whole file was there
	saved     int // of those, pieces were saved
	lostSome  int // of those, pieces were written and not saved
	resumed   int64
}

func (s *diskToll) add(o diskToll) {
	s.crashes += o.crashes
	s.committed += o.committed
	s.saved += o.saved
	s.lostSome += o.lostSome
	s.resumed += o.resumed
}

// liveThroughCrashes runs one fetch to its end.
func (w *world) liveThroughCrashes(rng *rand.Rand, sum *diskToll) {
	w.t.Helper()
	d := startDisk(rng.IntN(2) == 0)
	for range 1 + rng.IntN(2) {
		at := len(d.Calls()) + 1 + rng.IntN(45) // no run makes more calls
		down := false
		d.Fault = func(n int, _ diskmodel.Call) error {
			if down = down || n >= at; down {
				return diskmodel.ErrCrashed
			}
			return nil
		}
		_, err := w.fetchTo(d)
		if down {
			sum.crashes++
		}
		safe := recorded(w.t, d.safe)
		if len(safe) > 0 {
			sum.saved++
		}
		if len(d.written) > len(safe) {
			sum.lostSome++
		}
		d = d.boot(rng)
		if final := d.final(w); final == "whole" {
			sum.committed++
			return
		}
		if err == nil || !d.untouched(w) {
			w.t.Errorf("%v, and after the crash the file is %q", err, d.final(w))
			return
		}
		if !errors.Is(err, diskmodel.ErrCrashed) {
			w.t.Errorf("%v, want the disk's error", err)
		}
		w.checkSaved(d, safe)
	}
	sum.resumed += w.goesOn(d)
}
