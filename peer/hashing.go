package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/tree"
	"chunkcp/internal/treecache"
)

const (
	// maxHashed is how many files a server hashes at once (arbitrary: a disk
	// that turns is best read by one).
	maxHashed = 2

	// hashAgain is how long a file that could not be hashed is left at that (arbitrary).
	hashAgain = 5 * time.Second

	// minCached is the least size of a file whose hashes are kept: a look into
	// the cache takes about as long as to hash so much.
	minCached = 4 << 20
)

// TreeCache keeps the hashes of files over the restarts of a server.
type TreeCache interface {
	Get(treecache.Key) (*tree.List, bool)
	Put(treecache.Key, *tree.List) error
}

// hashing hashes files while they are served. Hashes are told as they come to
// be known; the root completes in the background, whoever asks for it first.
type hashing struct {
	cache   TreeCache // nil: none
	log     *zap.Logger
	crashes *crashes
	running sync.WaitGroup
	pause   func() // called before each piece; nil: none

	mu     sync.Mutex
	trees  map[stamp]*hashedFile
	queue  hashQueue
	active int
}

// hashedFile is what is known of the tree of one state of a file. All but stamp
// is guarded by hashing.mu.
type hashedFile struct {
	stamp    stamp
	users    int // servedFiles
	list     *tree.List
	root     tree.Hash
	known    bool  // root is
	err      error // why it will not be
	from     *servedFile
	queued   bool   // it waits, or is being hashed
	sought   bool   // in the cache; of who hashes it
	asker    holder // whose turn it takes: who of those that ask waits longest
	next     int64  // the piece to look at next
	watchers map[*serverSession]struct{}
	errAt    time.Time // when err came
	recent   bool      // when hashing began, it might yet change unseen: see servedFile.recent
}

func newHashing(opt ServeOptions, c *crashes) *hashing {
	return &hashing{cache: opt.Trees, log: opt.Log, crashes: c, pause: opt.hashPause, trees: map[stamp]*hashedFile{}, queue: newHashQueue()}
}

// use returns the tree of a file that has been opened; done takes it back.
func (h *hashing) use(f *servedFile) *hashedFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.trees[f.stamp]
	if t == nil {
		t = &hashedFile{stamp: f.stamp, list: tree.NewList(f.stamp.Size), watchers: map[*serverSession]struct{}{}}
		h.trees[f.stamp] = t
	}
	t.users++
	return t
}

// done takes back what use has given. still says that s asks for the hashes under another id.
func (h *hashing) done(t *hashedFile, s *serverSession, still bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !still {
		delete(t.watchers, s)
	}
	if t.asker == s.holder {
		h.giveOver(t)
	}
	if t.users--; t.users == 0 && !t.queued {
		delete(h.trees, t.stamp)
	}
}

// giveOver counts a file to one of those that still ask for it.
func (h *hashing) giveOver(t *hashedFile) {
	first := true
	for s := range t.watchers {
		if first || h.queue.compare(s.holder, t.asker) < 0 {
			t.asker, first = s.holder, false
		}
	}
}

// watch has s woken when more of the tree is known, and begins to hash the file
// if nobody has: the pieces from next on first. ctx ends with the server.
func (h *hashing) watch(ctx context.Context, t *hashedFile, s *serverSession, f *servedFile, next int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, watches := t.watchers[s]; !watches && t.err != nil && !isChange(t.err) && time.Since(t.errAt) >= hashAgain {
		t.err = nil // a disk may read today what it did not yesterday
	}
	t.watchers[s] = struct{}{}
	t.next = next
	h.enqueue(ctx, t, s, f)
}

// retry begins to hash a file for which there was no place before, and asks again
// for one that waits.
func (h *hashing) retry(ctx context.Context, t *hashedFile, s *serverSession, f *servedFile) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.enqueue(ctx, t, s, f)
}

func (h *hashing) enqueue(ctx context.Context, t *hashedFile, s *serverSession, f *servedFile) {
	if !t.queued || h.queue.compare(s.holder, t.asker) < 0 {
		t.asker = s.holder
	}
	if t.known || t.queued || t.err != nil || !h.queue.hasRoom(s.holder) {
		return
	}
	t.queued = true
	t.from = f.share()
	h.queue.add(t)
	if h.active < maxHashed {
		h.active++
		h.running.Go(func() { h.work(ctx) })
	}
}

// work hashes files until none waits.
func (h *hashing) work(ctx context.Context) {
	buf := make([]byte, assign.PieceBytes)
	for {
		h.mu.Lock()
		t := h.queue.take()
		if t == nil {
			h.active--
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
		err := h.hashFile(ctx, t, buf)
		h.mu.Lock()
		if errors.Is(err, errTurnOver) {
			h.queue.add(t)
		} else {
			h.leave(t, err)
		}
		h.mu.Unlock()
	}
}

// leave ends the hashing of a file, which is done unless err says why not.
func (h *hashing) leave(t *hashedFile, err error) {
	if errors.Is(err, errUnwanted) {
		err = nil
	}
	t.err, t.errAt, t.queued = err, time.Now(), false
	t.from.close()
	t.from = nil
	if t.users == 0 {
		delete(h.trees, t.stamp)
	}
	h.tell(t)
}

// hash completes the tree of one file, or as much of it as one turn is.
func (h *hashing) hash(ctx context.Context, t *hashedFile, buf []byte) error {
	if !t.sought {
		if t.sought = true; h.cached(t) {
			return nil
		}
		t.recent = t.from.recent()
	}
	for pieces := 0; ; pieces++ {
		i, more := h.pick(t)
		if !more {
			break
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case h.unwanted(t):
			return errUnwanted
		case pieces >= hashSlice && h.othersWait():
			return errTurnOver
		}
		if h.pause != nil {
			h.pause()
		}
		r := assign.PieceRange(i, t.stamp.Size)
		b := buf[:r.Len()]
		if err := t.from.readAt(b, r.Start); err != nil {
			h.log.Warn("hashing", strangerText("name", t.from.file.Name()), zap.Error(err))
			return err
		}
		h.set(t, i, tree.PieceHash(b, i, t.list.Len()))
	}
	h.finish(t)
	return nil
}

// Why a file is not hashed to its end, or not yet.
var (
	errUnwanted = errors.New("nobody has it open")
	errTurnOver = errors.New("others have their turn")
)

func (h *hashing) othersWait() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queue.files) > 0
}

// unwanted reports whether a file only keeps others waiting: who asked for it
// has left. Strangers could have the server hash all that it has, else.
func (h *hashing) unwanted(t *hashedFile) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.users == 0 && len(h.queue.files) > 0
}

// cached looks the tree up.
func (h *hashing) cached(t *hashedFile) bool {
	if h.cache == nil || t.stamp.Size < minCached {
		return false
	}
	list, ok := h.cache.Get(treecache.Key(t.stamp))
	if !ok || list.Size() != t.stamp.Size {
		return false
	}
	root, ok := list.Root()
	if !ok {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t.list, t.root, t.known = list, root, true
	return true
}

// pick chooses the piece to hash next: the first that is not known where
// somebody waits for it, else the first of all.
func (h *hashing) pick(t *hashedFile) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, ok := t.list.NextUnknown(t.next); ok {
		return i, true
	}
	return t.list.NextUnknown(0)
}

func (h *hashing) set(t *hashedFile, i int64, hash tree.Hash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.list.Set(i, hash)
	h.tell(t)
}

// finish combines the root, and keeps the tree for the next time.
func (h *hashing) finish(t *hashedFile) {
	h.combine(t)
	if h.cache == nil || t.stamp.Size < minCached || t.recent {
		return
	}
	if err := h.cache.Put(treecache.Key(t.stamp), t.list); err != nil { // nobody sets it any more
		h.log.Warn("hashes are not kept", zap.Error(err))
	}
}

func (h *hashing) combine(t *hashedFile) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.root, t.known = t.list.Root()
}

// tell wakes who waits for more of the tree.
func (h *hashing) tell(t *hashedFile) {
	for s := range t.watchers {
		s.wakeUp()
	}
}

// failed returns why a file cannot be hashed, nil if nothing keeps it from that.
func (h *hashing) failed(t *hashedFile) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(t.err, context.Canceled) {
		return nil
	}
	return t.err
}

// told copies hashes that are known from piece next on, at most limit of them.
func (h *hashing) told(t *hashedFile, next int64, limit int) (hashes [][32]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; len(hashes) < limit; next++ {
		x, ok := t.list.Get(next)
		if !ok {
			break
		}
		hashes = append(hashes, x)
	}
	return hashes
}

func (h *hashing) rootOf(t *hashedFile) (tree.Hash, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.root, t.known
}
