package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
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
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, pieces*assign.PieceBytes), 0o644); err != nil {
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
	h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() { count.Add(1); <-gate }}, &crashes{log: zap.NewNop()})
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
		h.done(f.tree, stranger, false)
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
	h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() { begun <- struct{}{}; <-gate }}, &crashes{log: zap.NewNop()})
	s := &serverSession{wake: make(chan struct{}, 1)}
	for _, f := range hashed(t, h, maxHashed, 1) {
		h.watch(context.Background(), f.tree, s, f, 0)
		<-begun
	}
	h.mu.Lock()
	for i := range maxUnhashed { // of others
		h.queue.add(&hashedFile{asker: client(i, i), list: tree.NewList(0)})
	}
	h.mu.Unlock()
	late := hashed(t, h, 1, 1)[0]
	h.watch(context.Background(), late.tree, s, late, 0)
	h.mu.Lock()
	if late.tree.queued || len(h.queue.files) != maxUnhashed {
		t.Error("more files wait than may")
	}
	h.queue.files = nil
	h.mu.Unlock()
	h.retry(context.Background(), late.tree, s, late)
	close(gate)
	h.running.Wait()
	if _, known := h.rootOf(late.tree); !known {
		t.Error("it has not been hashed")
	}
}

// TestHashingTakesTurns: a client asks for the hashes of large files, of more than
// are hashed at once, and stays. Those of a small file that another one asks for, be
// it from the same address, are known after two turns and not after all of them.
func TestHashingTakesTurns(t *testing.T) {
	synctest.Test(t, hashingTakesTurns) // or how far who gets is the kernel's choice
}

func hashingTakesTurns(t *testing.T) {
	const large, small = 4 * hashSlice, 3
	type wanted struct {
		of   *serverSession
		file *servedFile
	}
	gate, begun := make(chan struct{}), make(chan struct{}, 1000)
	var count, known atomic.Int64
	var small1, small2 wanted
	h := newHashing(ServeOptions{Log: zap.NewNop()}, &crashes{log: zap.NewNop()})
	h.pause = func() {
		begun <- struct{}{}
		<-gate
		time.Sleep(time.Millisecond) // which a piece takes
		_, first := h.rootOf(small1.file.tree)
		_, second := h.rootOf(small2.file.tree)
		if n := count.Add(1); first && second {
			known.CompareAndSwap(0, n)
		}
	}
	ask := func(w wanted) { h.watch(context.Background(), w.file.tree, w.of, w.file, 0) }
	session := func(who holder) *serverSession {
		return &serverSession{holder: who, wake: make(chan struct{}, 1)}
	}
	greedy := session(client(1, 1))
	files := hashed(t, h, 2*maxHashed, large)
	others := hashed(t, h, 2, small)
	small1, small2 = wanted{session(client(2, 2)), others[0]}, wanted{session(client(1, 3)), others[1]}
	for i, f := range files {
		ask(wanted{greedy, f})
		if i < maxHashed {
			<-begun
		}
	}
	ask(small1)
	ask(small2)
	close(gate)
	h.running.Wait()
	for i, f := range append(files, others...) {
		if _, is := h.rootOf(f.tree); !is {
			t.Errorf("file %d has not been hashed", i)
		}
	}
	t.Logf("the small files were known after %d of %d pieces", known.Load(), count.Load())
	if n := known.Load(); n == 0 || n > (maxHashed+1)*hashSlice {
		t.Errorf("the small files were known after %d pieces, want %d at most", n, (maxHashed+1)*hashSlice)
	}
	if n := count.Load(); n != 2*maxHashed*large+2*small {
		t.Errorf("%d pieces were hashed: some twice, or not all", n)
	}
}

// TestAFileOfTwoClients takes the turns of the one that waits longer, and of the
// other again once that has left.
func TestAFileOfTwoClients(t *testing.T) {
	gate, begun := make(chan struct{}), make(chan struct{}, 100)
	h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() { begun <- struct{}{}; <-gate }}, &crashes{log: zap.NewNop()})
	greedy := &serverSession{holder: client(1, 1), wake: make(chan struct{}, 1)}
	other := &serverSession{holder: client(2, 2), wake: make(chan struct{}, 1)}
	for _, f := range hashed(t, h, maxHashed, 1) {
		h.watch(context.Background(), f.tree, greedy, f, 0)
		<-begun
	}
	f := hashed(t, h, 1, 1)[0]
	asker := func() holder {
		h.mu.Lock()
		defer h.mu.Unlock()
		return f.tree.asker
	}
	for i, step := range []struct {
		do   func()
		want holder
	}{
		{func() { h.watch(context.Background(), f.tree, greedy, f, 0) }, greedy.holder},
		{func() { h.watch(context.Background(), f.tree, other, f, 0) }, other.holder},
		{func() { h.retry(context.Background(), f.tree, greedy, f) }, other.holder},
		{func() { h.use(f); h.done(f.tree, other, false) }, greedy.holder},
	} {
		if step.do(); asker() != step.want {
			t.Errorf("after step %d it is %v's, want %v", i, asker(), step.want)
		}
	}
	close(gate)
	h.running.Wait()
}

// TestPlacesToWait: who asks for as many files as it can leaves half of the places
// to others.
func TestPlacesToWait(t *testing.T) {
	q := newHashQueue()
	fill := func(h holder) (n int) {
		for ; q.hasRoom(h); n++ {
			q.add(&hashedFile{asker: h, list: tree.NewList(0)})
		}
		return n
	}
	for i, want := range []int{maxUnhashed / 2, maxUnhashed / 4, maxUnhashed / 8} {
		if n := fill(client(i, i)); n != want {
			t.Errorf("client %d has %d places, want %d", i, n, want)
		}
		if n := fill(client(i, 100)) + fill(client(100, i)); n != 0 {
			t.Errorf("it gets %d more with another key or another address", n)
		}
	}
	for range len(q.files) {
		q.take()
	}
	if q.take() != nil || len(q.byAddr) != 3 {
		t.Errorf("turns of %d addresses, want 3", len(q.byAddr))
	}
	for i := range maxTurns + 10 {
		q.add(&hashedFile{asker: client(i, i), list: tree.NewList(0)})
		q.take()
	}
	if n := len(q.byAddr); n > maxTurns {
		t.Errorf("the turns of %d addresses are remembered", n)
	}
}

// TestAFileIsHashedAgain: one that could not be read is tried again for who asks later,
// though somebody keeps it open.
func TestAFileIsHashedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		h := newHashing(ServeOptions{Log: zap.NewNop(), hashPause: func() {
			if broken {
				panic("a disk, say")
			}
		}}, &crashes{log: zap.NewNop()})
		keeps, later := &serverSession{wake: make(chan struct{}, 1)}, &serverSession{wake: make(chan struct{}, 1)}
		f := hashed(t, h, 1, 2)[0]
		h.watch(t.Context(), f.tree, keeps, f, 0)
		h.running.Wait()
		if h.failed(f.tree) == nil {
			t.Fatal("nothing has failed")
		}
		broken = false
		g := f.share()
		g.tree = h.use(g)
		defer g.close()
		h.watch(t.Context(), g.tree, later, g, 0)
		h.running.Wait()
		if h.failed(g.tree) == nil {
			t.Error("tried again at once")
		}
		h.done(g.tree, later, false)
		time.Sleep(hashAgain)
		g.tree = h.use(g)
		h.watch(t.Context(), g.tree, later, g, 0)
		h.running.Wait()
		if err := h.failed(g.tree); err != nil {
			t.Error(err)
		}
	})
}

// TestWhoHasLeftIsNotWatching, however often it has asked: a file that somebody has open for
// days would remember all who ever had.
func TestWhoHasLeftIsNotWatching(t *testing.T) {
	h := newHashing(ServeOptions{Log: zap.NewNop()}, &crashes{log: zap.NewNop()})
	f := hashed(t, h, 1, 1)[0]
	h.use(f) // by somebody else
	s := &serverSession{wake: make(chan struct{}, 1)}
	for range 3 {
		h.watch(t.Context(), f.tree, s, f, 0)
	}
	h.running.Wait()
	h.done(f.tree, s, false)
	if n := len(f.tree.watchers); n != 0 {
		t.Errorf("%d sessions watch", n)
	}
}

// TestAFileOpenTwice: a session that has given back one of two is still told of the other.
func TestAFileOpenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(ServeOptions{Log: zap.NewNop()}, &crashes{log: zap.NewNop()})
		s := &serverSession{wake: make(chan struct{}, 1)}
		one := hashed(t, h, 1, 2)[0]
		two := one.share()
		two.tree = h.use(two)
		defer two.close()
		h.mu.Lock() // nothing is hashed before all is as it is to be
		one.tree.watchers[s] = struct{}{}
		h.mu.Unlock()
		h.done(one.tree, s, true)
		h.retry(t.Context(), two.tree, s, two)
		h.running.Wait()
		select {
		case <-s.wake:
		default:
			t.Error("nobody woke it")
		}
	})
}
