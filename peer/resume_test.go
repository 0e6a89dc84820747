package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
)

var errEnough = errors.New("the user has enough")

// interrupted runs a fetch that is stopped after some time.
func (w *world) interrupted(o FetchOptions, after time.Duration) (fetched int64) {
	w.t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	w.after(after, func() { cancel(errEnough) })
	f, err := Run(ctx, o)
	if !errors.Is(err, errEnough) {
		w.t.Fatalf("%v, want %v", err, errEnough)
	}
	w.absent(o.Out)
	return f.Snapshot().Done
}

// came returns how many bytes came from the peers.
func came(f *Fetch) (n int64) {
	for _, p := range f.Snapshot().Peers {
		n += p.Bytes
	}
	return n
}

func (w *world) partPath() string { return filepath.Join(w.dir, ".out.bin.chunkcp-part") }

// TestResume: what an interrupted fetch has is not fetched again.
func TestResume(t *testing.T) {
	const size = 40<<20 + 77
	for name, tc := range map[string]struct {
		between func(w *world, o *FetchOptions)
		lost    int64 // bytes of what was had that must come again
	}{
		"as it was left": {func(*world, *FetchOptions) {}, 0},
		"with a piece damaged": {func(w *world, _ *FetchOptions) {
			w.edit(w.partPath(), func(b []byte) { b[3<<20+9] ^= 1 })
		}, assign.PieceBytes},
		"with the part file shorter": {func(w *world, _ *FetchOptions) {
			if err := os.Truncate(w.partPath(), 3<<20); err != nil {
				w.t.Fatal(err)
			}
		}, size},
		"with no journal": {func(w *world, _ *FetchOptions) {
			if err := os.Remove(filepath.Join(w.dir, ".out.bin.chunkcp-journal")); err != nil {
				w.t.Fatal(err)
			}
		}, size},
		"with a journal of nonsense": {func(w *world, _ *FetchOptions) {
			w.edit(filepath.Join(w.dir, ".out.bin.chunkcp-journal"), func(b []byte) { clear(b) })
		}, size},
		"to begin anew": {func(_ *world, o *FetchOptions) { o.Restart = true }, size},
		"from another version": {func(w *world, _ *FetchOptions) {
			w.content = other(w.content, 1, 2)
			for _, s := range w.servers {
				s.put(w.t, w.content)
			}
		}, 2 * assign.PieceBytes},
		"from a longer version": {func(w *world, _ *FetchOptions) {
			w.content = append(w.content, make([]byte, 5<<20)...)
			for _, s := range w.servers {
				s.put(w.t, w.content)
			}
		}, size},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 2, size, replicaLink, func(w *world) {
				o := w.options()
				had := w.interrupted(o, 1200*time.Millisecond)
				if had < 10<<20 || had > 30<<20 {
					t.Fatalf("%d bytes were had", had)
				}
				tc.between(w, &o)
				f, _ := w.fetch(o)
				missing := int64(len(w.content)) - had
				limit := missing + tc.lost + int64(len(w.content))/20 + assign.FirstLease // and what two fetch at the end
				if n := came(f); n < missing || n > limit {
					t.Errorf("%d bytes had come, %d were missing, %d came", had, missing, n)
				}
			})
		})
	}
}

// edit changes a file in place.
func (w *world) edit(path string, change func(b []byte)) {
	w.t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		change(b)
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestResumeAgainAndAgain: whatever a run gets done is done.
func TestResumeAgainAndAgain(t *testing.T) {
	heavy(t)
	const size = 64 << 20
	inWorld(t, 1, 2, size, replicaLink, func(w *world) {
		o := w.options()
		var before int64
		for range 4 {
			had := w.interrupted(o, 700*time.Millisecond)
			if had < before {
				t.Errorf("%d bytes were had before, %d now", before, had)
			}
			before = had
		}
		f, _ := w.fetch(o)
		if n := came(f); n > size-before+size/20+assign.FirstLease {
			t.Errorf("%d bytes were had, and %d came", before, n)
		}
	})
}

// TestSeed: pieces that another file has are copied, and one that proves wrong
// is fetched.
func TestSeed(t *testing.T) {
	inWorld(t, 1, 2, 20<<20+5, replicaLink, func(w *world) {
		path := filepath.Join(w.dir, "seed")
		if err := os.WriteFile(path, other(w.content, 4, 11), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		seed := &Seed{File: file}
		seed.Pieces.Add(rangeset.Range{End: 4 * assign.PieceBytes})
		seed.Pieces.Add(rangeset.Range{Start: 5 * assign.PieceBytes, End: 20<<20 + 5}) // one of them is wrong
		o := w.options()
		o.Seed = seed
		f, _ := w.fetch(o)
		if n := came(f); n < 2*assign.PieceBytes || n > 2*assign.PieceBytes+assign.PieceBytes/2+assign.FirstLease {
			t.Errorf("%d bytes came", n)
		}
	})
}

// TestResumeAfterAnOddAnswer: the first to answer has a file of another size. What
// an earlier run has left is not given up for it, since the others still have the
// file.
func TestResumeAfterAnOddAnswer(t *testing.T) {
	const size = 40 << 20
	inWorld(t, 1, 3, size, replicaLink, func(w *world) {
		o := w.options()
		had := w.interrupted(o, 900*time.Millisecond)
		w.servers[0].put(t, make([]byte, size/2))
		late := replicaLink
		late.Delay *= 4
		for _, s := range w.servers[1:] {
			w.net.SetPath(w.client.Addr(), s.host.Addr(), late)
		}
		f, _ := w.fetch(o)
		w.out(f, 0, ErrPeersDisagree)
		if n := came(f); n > size-had+size/20+assign.FirstLease {
			t.Errorf("%d bytes were had, and %d came", had, n)
		}
	})
}

// TestResumeAfterTheSizeChanged: all have another file now, and nothing is left of
// the old one to go on with.
func TestResumeAfterTheSizeChanged(t *testing.T) {
	inWorld(t, 1, 2, 20<<20, replicaLink, func(w *world) {
		o := w.options()
		w.interrupted(o, 500*time.Millisecond)
		w.content = positioned(10 << 20)
		for _, s := range w.servers {
			s.put(t, w.content)
		}
		_, took := w.fetch(o)
		within(t, "it", took, 3*time.Second)
	})
}

// TestASizeAloneLeavesNothing: a server tells how long its file is, and dies. Its
// word does not keep the disk of this host.
func TestASizeAloneLeavesNothing(t *testing.T) {
	inWorld(t, 1, 1, 64<<20, replicaLink, func(w *world) {
		s, reserved := w.servers[0], false
		w.after(60*time.Millisecond, func() { // the answer takes 40 ms, a piece 84 ms more
			_, err := os.Lstat(w.partPath())
			reserved = err == nil
			s.host.Down()
		})
		w.refuse(w.options(), ErrNoPeers)
		if !reserved {
			t.Fatal("there was no part file: nothing was tried")
		}
		entries, err := os.ReadDir(w.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), "chunkcp") {
				t.Errorf("%s is left", e.Name())
			}
		}
		s.host.Up()
	})
}
