package peer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/partfile"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// notFoundGrace is how long peers that have not answered are waited for
	// when those that have do not have the file.
	notFoundGrace = 2 * time.Second

	// watchInterval is how often a fetch looks whether it can go on.
	watchInterval = 100 * time.Millisecond

	// writers is how many pieces are written at once: with one alone, the
	// sessions outrun it when all compete for the CPU.
	writers = 4

	// maxCredit bounds what one session may have in flight (arbitrary): 8
	// Gbit/s over 64 ms.
	maxCredit = 64 << 20
)

// Fetch is a fetch under way.
type Fetch struct {
	opt     FetchOptions
	log     *zap.Logger
	buffers *burstBuffers
	id      proto.SessionID // by which servers know that sessions belong together
	began   time.Time
	writes  chan *piece // its capacity is what can be lent: sending never waits
	result  chan error  // capacity 1: the first outcome counts
	running sync.WaitGroup

	readErrors atomic.Uint64 // what sockets said that may be forged
	dropped    atomic.Uint64 // datagrams lost for want of socket buffer

	mu       sync.Mutex
	size     int64 // -1 until a peer has told it
	part     *partfile.Part
	assign   *assigner
	pool     piecePool
	peers    []*peerState
	sessions map[*clientSession]struct{}
	nextID   workerID
	over     bool      // the outcome is known: sessions end, peers keep their state
	writing  int       // pieces complete and not written
	written  int64     // bytes
	lastLive time.Time // when a live peer was seen last
	moved    time.Time // when file bytes came last
}

// Run fetches opt.Name from opt.Peers and returns once opt.Out is complete, or
// cannot be completed. When ctx is done it returns its cause.
func Run(ctx context.Context, opt FetchOptions) (*Fetch, error) {
	if err := opt.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	opt = opt.withDefaults()
	f := &Fetch{
		opt: opt, log: opt.Log, buffers: newBurstBuffers(), id: newSessionID(), began: time.Now(),
		// More than can be lent: each session may take one piece past the limit.
		writes: make(chan *piece, maxPieces+MaxSessions+MaxPeers),
		result: make(chan error, 1),
		size:   -1, pool: piecePool{limit: maxPieces},
		sessions: map[*clientSession]struct{}{},
	}
	f.moved, f.lastLive = f.began, f.began
	for i, p := range opt.Peers {
		f.peers = append(f.peers, &peerState{Peer: p, index: i, state: Probing})
	}
	if opt.OnStart != nil {
		opt.OnStart(f)
	}
	return f, f.run(ctx)
}

func (f *Fetch) run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	for _, p := range f.peers {
		f.running.Go(func() { f.keep(inner, p) })
	}
	f.mu.Unlock()
	for range writers {
		f.running.Go(func() { f.write(inner) })
	}
	err := f.wait(inner)
	f.mu.Lock()
	f.over = true
	f.mu.Unlock()
	cancel()
	f.running.Wait()
	f.log.Debug("sockets", zap.Uint64("errors", f.readErrors.Load()), zap.Uint64("dropped", f.dropped.Load()))
	if ctx.Err() != nil && err == nil && !f.whole() {
		err = context.Cause(ctx)
	}
	if err != nil {
		if f.part != nil {
			err = errors.Join(err, f.part.Close())
		}
		return err
	}
	return f.part.Commit()
}

func (f *Fetch) whole() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size >= 0 && f.written == f.size
}

// wait returns when the file is written, or the fetch cannot go on.
func (f *Fetch) wait(ctx context.Context) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-f.result:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case now := <-ticker.C:
			f.mu.Lock()
			f.balance(ctx)
			err := f.hopeless(now)
			f.mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// end makes err the fetch's outcome, unless it has one.
func (f *Fetch) end(err error) {
	select {
	case f.result <- err:
	default:
	}
}

// write writes pieces as they are completed.
func (f *Fetch) write(ctx context.Context) {
	for {
		var p *piece
		select {
		case p = <-f.writes:
		case <-ctx.Done():
			return
		}
		_, err := f.part.WriteAt(p.buf[:p.data.Len()], p.data.Start)
		if err != nil {
			f.end(err)
			return
		}
		f.mu.Lock()
		f.writing--
		f.written += p.data.Len()
		f.pool.put(p)
		done := f.written == f.size
		for c := range f.sessions {
			if c.starved.Load() {
				c.wake()
			}
		}
		f.mu.Unlock()
		if done {
			f.end(nil)
		}
	}
}

// trust decides whether a peer may have this key.
func (f *Fetch) trust(p *peerState, key secure.PublicKey) error {
	if p.Key != nil {
		if *p.Key != key {
			return fmt.Errorf("%w: the config pins %v, the server has %v", ErrKey, *p.Key, key)
		}
		return nil
	}
	if f.opt.Known == nil {
		return nil
	}
	err := f.opt.Known.Check(p.Addr, key)
	if errors.Is(err, secure.ErrUnknownPeer) {
		f.log.Info("first contact: key remembered", zap.String("peer", p.Addr), zap.Stringer("key", key))
		return f.opt.Known.Remember(p.Addr, key, time.Now())
	}
	if changed := (*secure.KeyChangedError)(nil); errors.As(err, &changed) {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return err
}

// firstRequests returns what to ask p for in the handshake. The first session
// with the first peer asks for the beginning of the file with it, which saves a
// round trip; if all did, it would come more than once.
func (f *Fetch) firstRequests(p *peerState) (requests []byte, early rangeset.Range) {
	open := proto.Open{ID: clientFile, Name: f.opt.Name}
	requests = open.Append(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.index > 0 || f.size >= 0 {
		return requests, rangeset.Range{}
	}
	early = rangeset.Range{End: firstLease}
	get := proto.Get{ID: clientFile + 1, File: clientFile, Range: early}
	return get.Append(requests), early
}

// agree takes a peer's answer: the first decides the size, and a peer that
// differs takes no part.
func (f *Fetch) agree(c *clientSession, m *proto.Opened) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := c.peer
	if p.version != nil && *p.version != m.Version && f.gave(p) {
		return fmt.Errorf("%w on %s", ErrSourceChanged, p.Addr)
	}
	p.version = &m.Version
	if f.size < 0 {
		if err := f.start(m.Size); err != nil {
			f.end(err)
			return err
		}
	}
	if m.Size != f.size {
		return fmt.Errorf("%w: it has %d bytes here, %d on the peer that answered first", ErrPeersDisagree, m.Size, f.size)
	}
	p.state, p.note = Live, ""
	if p.liveAt.IsZero() {
		p.liveAt = time.Now()
	}
	c.id = f.nextID
	f.nextID++
	c.opened = true
	f.assign.join(c.id, 0)
	f.activate()
	return nil
}

// start makes the part file, now that the size is known.
func (f *Fetch) start(size int64) error {
	part, err := partfile.Create(f.opt.Out, size, partfile.Option{NoClobber: f.opt.NoClobber, FS: f.opt.Disk})
	if err != nil {
		return err
	}
	f.size, f.part, f.assign = size, part, newAssigner(size, f.wanted())
	f.log.Info("fetching", zap.String("name", f.opt.Name), zap.Int64("bytes", size))
	if size == 0 {
		f.end(nil)
	}
	return nil
}

// lease returns the next range for a session to fetch.
func (f *Fetch) lease(c *clientSession) (rangeset.Range, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.active {
		return rangeset.Range{}, false
	}
	got, ok := f.assign.next(time.Now(), c.id)
	return got.data, ok
}

// received reports whether the piece r has been received by any session.
func (f *Fetch) received(r rangeset.Range) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.assign.done.Contains(r)
}

// reclaim leases ranges to a session again, all or none.
func (f *Fetch) reclaim(c *clientSession, ranges []rangeset.Range) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.assign.reclaim(c.id, ranges)
}

// drop ends the lease of a piece that another session has received.
func (f *Fetch) drop(c *clientSession, piece rangeset.Range) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.assign.received(c.id, piece)
}

// complete takes a piece that a session has received.
func (f *Fetch) complete(c *clientSession, p *piece) {
	f.mu.Lock()
	news, _ := f.assign.received(c.id, p.data)
	if news {
		f.writing++
	} else {
		f.pool.put(p)
	}
	f.mu.Unlock()
	if news {
		f.writes <- p
	}
}

// getPiece lends a piece for the bytes data, nil if there is none left. second
// says that a segment lies in two pieces and this is the second: where nothing
// is being written, so that no piece will come back, it may pass the limit, or
// the first could never be completed.
func (f *Fetch) getPiece(data rangeset.Range, second bool) *piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pool.get(data, second && f.writing == 0)
}

func (f *Fetch) putPiece(p *piece) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool.put(p)
}

// memoryCredit returns what a session may have in flight: its share of the
// pieces that are not lent, and open bytes of those that it has.
func (f *Fetch) memoryCredit(open int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	share := int64(f.pool.left()) * PieceBytes / int64(max(1, len(f.sessions)))
	return min(share+open, maxCredit)
}
