package partfile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

// A fetch that is cut off by crashes and Ctrl-C, at any call of the disk, goes on
// with all that a Checkpoint has saved, and the final name never shows anything
// but the old file or the whole new one.
func TestFetchGoesOnAfterCrashes(t *testing.T) {
	seeds := 1000
	if testing.Short() {
		seeds = 100
	}
	base := seed(t)
	var sum totals
	for n := range seeds {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			live(t, rand.New(rand.NewPCG(base, uint64(n))), &sum)
		})
	}
	t.Logf("%+v", sum)
	for what, n := range map[string]int{
		"crashes": sum.crashes, "crashes in which the new file stayed": sum.committed, "stops": sum.stops,
		"pieces resumed": sum.resumed, "checkpoints": sum.checkpoints, "pieces saved when it crashed": sum.saved,
		"stale journals": sum.stale,
	} {
		if n == 0 {
			t.Errorf("%s: none: the test has tried nothing", what)
		}
	}
}

// totals counts what has happened, over all seeds.
type totals struct{ crashes, committed, stops, resumed, checkpoints, saved, stale int }

// live runs one fetch to its end.
func live(t *testing.T, rng *rand.Rand, sum *totals) {
	old := rng.IntN(2) == 0
	s := &story{
		t: t, rng: rng, disk: startDisk(old), text: storyText(rng.IntN(20 * storyPiece)),
		opt:       partfile.Option{NoClobber: !old && rng.IntN(2) == 0},
		saveEvery: 1 + rng.IntN(6), stopEvery: 30,
	}
	for crashes := rng.IntN(6); ; {
		if crashes > 0 && rng.IntN(4) > 0 {
			crashes--
			// No run makes more calls than about 100.
			s.crashAt(len(s.disk.Calls()) + 1 + rng.IntN(100))
		}
		s.opt.Restart = rng.IntN(20) == 0
		err := s.run()
		if !s.down && s.disk.Opened() != 0 {
			t.Fatalf("%d files left open", s.disk.Opened())
		}
		switch {
		case s.down:
			sum.crashes++
			sum.saved += len(s.safe)
			s.boot()
			if s.whole(old) {
				sum.committed++
				err = nil
			} else if err == nil {
				t.Fatal("a committed file was lost")
			}
		case errors.Is(err, errStopped):
			sum.stops++
		case err != nil:
			t.Fatal(err)
		}
		s.disk.Fault = nil
		if whole := s.whole(old); whole != (err == nil) {
			t.Fatalf("fetch = %v, whole %v", err, whole)
		}
		if err == nil {
			break
		}
	}
	sum.resumed += s.resumed
	sum.checkpoints += s.checkpoints

	// A journal that a crash left of a fetch that has ended is not believed.
	if _, stale := s.disk.Content(memJournal); stale {
		sum.stale++
	}
	s.opt, s.safe, s.stopEvery = partfile.Option{}, nil, 0
	if err := s.run(); err != nil || !s.whole(true) {
		t.Fatalf("another fetch = %v", err)
	}
	if names := s.disk.Names(); len(names) != 1 {
		t.Errorf("left beside the file: %v", names)
	}
}

// What was only noted is in the journal after Ctrl-C, for the kernel lives on.
func TestCloseKeepsWhatWasNoted(t *testing.T) {
	s := &story{t: t, rng: rand.New(rand.NewPCG(1, 1)), disk: diskmodel.New(), text: storyText(160), saveEvery: 1}
	p, err := s.create()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{3, 0, 9} {
		if err := s.write(p, i, 0); err != nil {
			t.Fatal(err)
		}
	}
	before := len(s.disk.Calls())
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.disk.Calls()[before:] {
		if c.Op == diskmodel.Sync || c.Op == diskmodel.SyncDir {
			t.Errorf("Close waits for %s %s", c.Op, c.Path)
		}
	}
	s.safe = map[int64]bool{0: true, 3: true, 9: true}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if s.resumed != 3 {
		t.Errorf("%d pieces resumed, want 3", s.resumed)
	}
}
