package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
)

// hashed opens files of so many pieces, to be hashed by h.
func hashed(t *testing.T, h *hashing, files int, pieces int) (out []*servedFile) {
	t.Helper()
	dir := t.TempDir()
	r, err := openRoot(dir, secure.PublicKey{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	for i := range files {
		name := fmt.Sprint(i)
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, pieces*PieceBytes), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := r.take(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		f.tree = h.use(f)
		out = append(out, f)
	}
	return out
}

// TestHashesThatNobodyWaitsFor: a stranger asks for many files and leaves. The
// file of who is still there is hashed as if it had not been there.
func TestHashesThatNobodyWaitsFor(t *testing.T) {
	const files, pieces = 6, 3
	var count atomic.Int64
	gate := make(chan struct{})
	h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() { count.Add(1); <-gate }})
	stranger, other := &serverSession{wake: make(chan struct{}, 1)}, &serverSession{wake: make(chan struct{}, 1)}
	all := hashed(t, h, files+1, pieces)
	for i, f := range all {
		s := stranger
		if i == files {
			s = other
		}
		h.watch(context.Background(), f.tree, s, f, 0)
	}
	for _, f := range all[:files] {
		h.done(f.tree, stranger)
	}
	close(gate)
	h.running.Wait()
	if _, known := h.rootOf(all[files].tree); !known {
		t.Error("the file of who is there has not been hashed")
	}
	if n := count.Load(); n > maxHashed+2*pieces { // and the last of the unwanted ones: it keeps nobody waiting
		t.Errorf("%d pieces were hashed", n)
	}
	if len(h.trees) != 1 {
		t.Errorf("%d trees are kept", len(h.trees))
	}
}

// TestAFileThatFindsNoPlace to wait for being hashed finds one later.
func TestAFileThatFindsNoPlace(t *testing.T) {
	gate, begun := make(chan struct{}), make(chan struct{}, maxHashed+1)
	h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() { begun <- struct{}{}; <-gate }})
	s := &serverSession{wake: make(chan struct{}, 1)}
	for _, f := range hashed(t, h, maxHashed, 1) {
		h.watch(context.Background(), f.tree, s, f, 0)
		<-begun
	}
	h.mu.Lock()
	h.queue = make([]*hashedFile, maxUnhashed)
	h.mu.Unlock()
	late := hashed(t, h, 1, 1)[0]
	h.watch(context.Background(), late.tree, s, late, 0)
	h.mu.Lock()
	if late.tree.queued || len(h.queue) != maxUnhashed {
		t.Error("more files wait than may")
	}
	h.queue = nil
	h.mu.Unlock()
	h.retry(context.Background(), late.tree, late)
	close(gate)
	h.running.Wait()
	if _, known := h.rootOf(late.tree); !known {
		t.Error("it has not been hashed")
	}
}
