package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/partfile"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

const (
	// notFoundGrace is how long peers that have not answered are waited for
	// when those that have do not have the file.
	notFoundGrace = 2 * time.Second

	// watchInterval is how often a fetch looks whether it can go on.
	watchInterval = 100 * time.Millisecond

	// writers is how many pieces are hashed and written at once, beside those that
	// sessions deal with: with one alone, the sessions outrun it when all compete
	// for the CPU.
	writers = 4

	// maxCredit bounds what one session may have in flight (arbitrary): 8
	// Gbit/s over 64 ms.
	maxCredit = 64 << 20

	// outputGrace is how long an output that does not take its bytes is waited
	// for at the end of a fetch that failed.
	outputGrace = time.Second
)

// Fetch is a fetch under way.
type Fetch struct {
	opt     FetchOptions
	log     *zap.Logger
	buffers *burstBuffers
	id      proto.SessionID // by which servers know that sessions belong together
	began   time.Time
	dest    destination
	writes  chan *piece // its capacity is what can be lent: sending never waits
	result  chan error  // capacity 1: the first outcome counts
	running sync.WaitGroup

	crashes    crashes
	readErrors atomic.Uint64 // what sockets said that may be forged
	dropped    atomic.Uint64 // datagrams lost for want of socket buffer

	// waitsForWord says that a peer's word for what the file hashes to is all that
	// is waited for.
	waitsForWord atomic.Bool

	mu       sync.Mutex
	ctx      context.Context // of what belongs to the fetch
	peers    []*peerState
	sessions map[*clientSession]struct{}
	byID     map[assign.SessionID]*clientSession // those that the assigner knows
	nextID   assign.SessionID
	over     bool      // the outcome is known: sessions end, peers keep their state
	lastLive time.Time // when a live peer was seen last
	moved    time.Time // when file bytes or hashes came last
	kept     time.Time // when a piece was kept last, or one could come again
	pacer    pacer
	unstuck  time.Time // when the work was dealt anew last, because none came
	stuck    time.Time // when that was done first; zero: a piece or a hash has come since

	// patience is how long no piece may be kept while another size is claimed.
	patience time.Duration

	// Which file it is.
	agreement *agreement
	answered  time.Time // when a peer told its size first
	sized     bool      // the size is not asked about any more
	left      int64     // size of the file of which an earlier run has left a part
	resumes   bool      // there is one
	root      tree.Hash
	rooted    bool       // root is agreed on
	lead      *peerState // whose hashes are listened to; nil if nobody's
	asked     *clientSession
	reign     time.Time // since when the lead could have told all that it knows
	filled    time.Time // since when every piece is here; zero while one is not

	// The file under way. All of it begins anew if the size changes.
	generation int
	size       int64         // -1 until one has been begun
	beginning  bool          // the destination is being made ready, and the lock may be free
	begun      chan struct{} // closed when it is
	unfit      error         // why a file of a size that was told could not be begun; nil if all could
	target     io.WriterAt
	manifest   *manifest
	assign     *assign.Assigner
	pool       piecePool
	parts      map[int64]*piece // those of pieces that are shared, by index: what has come of each
	writing    int              // pieces on their way to their place
	written    int64            // bytes that have reached their place
	recalled   int64            // bytes of pieces that were here before
}

// Run fetches opt.Name from opt.Peers and returns once it is where it is to be,
// or cannot be. When ctx is done it returns its cause.
func Run(ctx context.Context, opt FetchOptions) (*Fetch, error) {
	if err := opt.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	f := newFetch(opt.withDefaults())
	if opt.OnStart != nil {
		opt.OnStart(f)
	}
	return f, f.run(ctx)
}

func newFetch(opt FetchOptions) *Fetch {
	f := &Fetch{
		opt: opt, log: opt.Log, crashes: crashes{log: opt.Log}, buffers: newBurstBuffers(), id: newSessionID(), began: time.Now(),
		dest: opt.destination(),
		// More than can be lent: each session may take one piece past the limit.
		writes: make(chan *piece, maxPieces+MaxSessions+maxEver),
		result: make(chan error, 1),
		size:   -1, patience: firstPatience, pool: piecePool{limit: maxPieces}, agreement: newAgreement(opt.Hash),
		sessions: map[*clientSession]struct{}{}, byID: map[assign.SessionID]*clientSession{},
	}
	f.moved, f.lastLive = f.began, f.began
	for _, p := range opt.Peers {
		f.add(p)
	}
	if opt.Hash != nil {
		f.root, f.rooted = *opt.Hash, true
	}
	if opt.Out != "" && !opt.Restart {
		if f.left, f.resumes = partfile.Left(opt.Out, opt.Disk); f.resumes {
			f.agreement.left = f.left
		}
	}
	return f
}

func (f *Fetch) run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	f.ctx = inner
	for _, p := range f.peers {
		f.employ(p)
	}
	f.mu.Unlock()
	for range writers {
		f.running.Go(func() { f.contain("a writer", func() { f.write(inner) }) })
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		f.contain("the output", func() { f.dest.run(f, stop) })
	}()
	err := f.wait(inner)
	f.mu.Lock()
	f.over = true
	f.remember()
	f.mu.Unlock()
	cancel()
	f.running.Wait()
	close(stop)
	select {
	case <-stopped:
	case <-time.After(outputGrace):
	}
	f.log.Debug("sockets", zap.Uint64("errors", f.readErrors.Load()), zap.Uint64("dropped", f.dropped.Load()))
	return f.dest.end(err)
}

// wait returns when the file is where it is to be, or the fetch cannot go on.
func (f *Fetch) wait(ctx context.Context) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-f.result:
			return err
		case <-ctx.Done():
			select {
			case err := <-f.result: // it came first
				return err
			default:
				return context.Cause(ctx)
			}
		case now := <-ticker.C:
			f.contain("the fetch", func() { f.tick(now) })
		}
	}
}

// tick does what is due, and ends the fetch if it cannot go on.
func (f *Fetch) tick(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.balance()
	f.repace(now)
	f.settle()
	f.unstick(now)
	if err := f.hopeless(now); err != nil {
		f.end(err)
	}
}

// end makes err the fetch's outcome, unless it has one.
func (f *Fetch) end(err error) {
	select {
	case f.result <- err:
	default:
	}
}

// begin makes ready for a file of size bytes, now that a peer has told it, or
// that it is the turn of another size than before. If it fails, there is no file
// under way.
func (f *Fetch) begin(size int64) error {
	f.generation++
	f.size, f.written, f.recalled, f.filled, f.stuck = size, 0, 0, time.Time{}, time.Time{}
	f.manifest, f.assign = newManifest(size), assign.New(size, f.expectedPeers())
	f.parts = map[int64]*piece{}
	f.lead, f.asked = nil, nil
	f.kept = time.Now()
	for _, p := range f.peers {
		if p.bad != nil { // a piece of the file of before
			p.bad, p.note = nil, ""
		}
		p.stalled = false
		f.assign.Reserve(p.early)
		if p.proof != nil {
			p.proof.asked = nil // it drops what it asks for
		}
		if p.size == size {
			p.proof = nil // to fetch the file is as good
		}
	}
	for c := range f.sessions {
		if c.answered {
			c.joined, c.active = false, false
			c.order(func(o *orders) { o.reset = true })
		}
	}
	clear(f.byID)
	f.beginning, f.begun, f.target = true, make(chan struct{}), nil
	target, err := f.dest.begin(f, size)
	f.beginning = false
	close(f.begun)
	if err != nil {
		f.size, f.manifest, f.assign = -1, nil, nil
		return err
	}
	f.target = target
	for c := range f.sessions {
		if c.answered && !c.joined && c.peer.size == size { // meanwhile, perhaps
			c.order(func(o *orders) { o.reset = true })
		}
	}
	f.log.Info("fetching", zap.String("name", f.opt.Name), zap.Int64("bytes", size))
	return nil
}

// ofSize reports whether a file of another size might not have failed so.
func ofSize(err error) bool {
	for _, e := range []error{errOutputGone, fs.ErrExist, fs.ErrNotExist, fs.ErrPermission, partfile.ErrExists, partfile.ErrLocked} {
		if errors.Is(err, e) {
			return false
		}
	}
	return true
}

// List returns the hashes of the file's pieces, once a fetch has succeeded.
func (f *Fetch) List() *tree.List {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.manifest == nil {
		return nil
	}
	if _, whole := f.manifest.complete(); whole {
		return f.manifest.mine.List
	}
	return f.manifest.list.List
}
