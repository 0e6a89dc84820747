package peer

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

const (
	// sizeGrace is how long peers that have not answered are waited for before
	// the size of the file is decided on without them.
	sizeGrace = 2 * time.Second

	// rootGrace is how long peers that have not told their file's root, when all
	// its bytes are here, are waited for once another has. Arbitrary: they have
	// had the whole fetch to compute it.
	rootGrace = 2 * time.Second
)

// agree takes a peer's answer: the size of its file.
func (f *Fetch) agree(c *clientSession, m *proto.Opened) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, now := c.peer, time.Now()
	if p.state == Out {
		return p.err
	}
	if m.Size > proto.MaxFileBytes {
		err := violation(fmt.Errorf("a file of %d bytes", m.Size))
		f.bench(p, err)
		return err
	}
	if p.version != nil && (*p.version != m.Version || p.size != m.Size) {
		return fmt.Errorf("%w on %s", ErrSourceChanged, p.Addr)
	}
	if p.version == nil || p.answeredAs != c.key {
		p.answeredAs = c.key
		f.warnOfTwins(p)
	}
	p.version, p.size = &m.Version, m.Size
	c.size = m.Size
	if f.answered.IsZero() {
		f.answered = now
	}
	f.agreement.answered(p.index, c.key, m.Size)
	p.state, p.note = Live, ""
	if p.liveAt.IsZero() {
		p.liveAt = now
	}
	f.decideSize()
	if f.sized && m.Size != f.size {
		err := f.otherSize(m.Size)
		f.bench(p, err)
		return err
	}
	if !c.early.Empty() {
		f.awaitBeginning(m.Size)
	}
	f.admit(c)
	return nil
}

// warnOfTwins tells the user of a server that is in the config twice: he may count
// on two.
func (f *Fetch) warnOfTwins(p *peerState) {
	for _, o := range f.peers {
		if o != p && o.version != nil && o.answeredAs == p.answeredAs && o.state != Out {
			f.log.Warn("two peers have one key, and so one vote", zap.String("peer", p.Addr), zap.String("other", o.Addr))
			return
		}
	}
}

func (f *Fetch) otherSize(size int64) error {
	return fmt.Errorf("%w: its file has %d bytes, not %d", f.differing(), size, f.size)
}

// differing returns what it is to have another file: from what the user wants,
// or from what others have.
func (f *Fetch) differing() error {
	if f.opt.Hash != nil {
		return ErrIntegrity
	}
	return ErrPeersDisagree
}

// decideSize begins with the size that the agreement says, and with another one
// when that changes. One for which this host has no room is told to it, so that
// the next has its turn: a size costs a liar nothing.
func (f *Fetch) decideSize() {
	for !f.over && !f.sized && !f.beginning {
		size, ok := f.agreement.size()
		in := f.answersAreIn(time.Now())
		if !ok && f.unfit != nil && in {
			f.end(f.unfit) // others have had time to tell another size
		}
		if !ok || size == f.size {
			return
		}
		if f.resumes && size != f.left && size != f.agreement.shown && !in {
			return // to begin would cost what is left of a file whose size may be told yet
		}
		if f.size >= 0 {
			f.log.Warn("the peers have different files: beginning anew", zap.Int64("bytes", size), zap.Int64("before", f.size))
		}
		err := f.begin(size)
		if err == nil {
			return
		}
		if !ofSize(err) {
			f.end(err)
			return
		}
		f.log.Warn("no room for the file", zap.Int64("bytes", size), zap.Error(err))
		f.agreement.refuse(size)
		if f.unfit == nil {
			f.unfit = err
		}
	}
}

// closeSize ends the waiting for other sizes, and sends peers away whose file
// has another.
func (f *Fetch) closeSize() {
	f.sized = true
	for _, p := range f.peers {
		if p.version != nil && p.state != Out && p.size != f.size {
			f.bench(p, f.otherSize(p.size))
		}
	}
}

// admit gives a session a part in the file under way, if its peer has that.
func (f *Fetch) admit(c *clientSession) {
	c.generation, c.answered = f.generation, true
	if c.size != f.size || c.peer.size != f.size || f.target == nil || c.peer.state == Out {
		return
	}
	c.id = f.nextID
	f.nextID++
	c.joined = true
	f.byID[c.id] = c
	f.assign.Join(c.id, c.peer.index, f.priorRate(c.peer))
	f.activate()
	f.follow()
}

// enter is admit for a session that has dropped what it had of another file.
func (f *Fetch) enter(c *clientSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.admit(c)
}

// heardRoot takes a peer's word for the root of its file.
func (f *Fetch) heardRoot(c *clientSession, m *proto.Root) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := c.peer; p.state != Out && !p.rooted {
		f.rootTold(p, tree.Hash(m.Root))
		f.settle()
	}
}

// rootTold notes the root of a peer's file, of which it has one.
func (f *Fetch) rootTold(p *peerState, root tree.Hash) {
	p.root, p.rooted, p.stalled = root, true, false
	f.agreement.told(p.index, root)
	if p == f.lead {
		f.reign = time.Now() // it knows all only now
	}
	if f.rooted {
		f.compareRoot(p)
		f.follow()
	}
}

// compareRoot sends p away if its file is another one than was agreed on.
func (f *Fetch) compareRoot(p *peerState) {
	if !p.rooted || p.root == f.root || p.state == Out {
		return
	}
	f.bench(p, fmt.Errorf("%w: its file is %s, not %s", f.differing(), p.root.Text(), f.root.Text()))
}

// heardHashes takes hashes of pieces, if they are the lead's.
func (f *Fetch) heardHashes(c *clientSession, m *proto.Hashes) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.peer.proof != nil && !f.over {
		f.heardProof(c.peer, m)
	}
	if f.over || c.peer != f.lead || c.generation != f.generation {
		return nil
	}
	differ, news := f.manifest.heard(m.First, m.Hashes)
	if !news {
		return nil
	}
	f.moved, f.stuck = time.Now(), time.Time{}
	for _, i := range differ {
		if c.peer != f.lead {
			break // one of its own pieces was wrong: its word is worth nothing
		}
		if err := f.dest.lose(f, i); err != nil {
			f.end(err)
			return err
		}
		from := f.manifest.lose(i)
		if from == fromHere {
			f.recalled -= assign.PieceRange(i, f.size).Len()
		}
		f.reject(i, from)
	}
	f.dest.heard(f)
	f.settle()
	return nil
}

// reject has a piece fetched again that is wrong, and deals with the peer that
// gave it, if one gave it whole.
func (f *Fetch) reject(i int64, from int) {
	if !f.assign.Wants() {
		f.kept = time.Now() // until now none could come
	}
	f.assign.Reopen(assign.PieceRange(i, f.size))
	f.filled = time.Time{}
	if from >= 0 {
		f.suspect(f.peers[from], i)
	}
	f.wakeAll()
}

// suspect deals with a peer whose piece i is not what the lead's hash says. That
// one of them has another file, or lies, is certain; which, only when the lead's
// list is sealed.
func (f *Fetch) suspect(p *peerState, i int64) {
	if p.state == Out {
		return
	}
	p.bad = &i
	switch {
	case p == f.lead:
		f.agreement.caught(p.index)
		f.bench(p, fmt.Errorf("%w: its piece %d does not have the hash that it told", ErrIntegrity, i))
	case f.rooted && f.manifest.sealed(f.root):
		f.convict(p)
	default:
		p.note = fmt.Sprintf("piece %d differs from that of %s", i, f.lead.Addr)
		f.log.Warn("peers differ", zap.String("peer", p.Addr), zap.String("lead", f.lead.Addr), zap.Int64("piece", i))
		f.dismiss(p)
	}
}

// convict sends a peer away whose piece is proved wrong.
func (f *Fetch) convict(p *peerState) {
	f.agreement.caught(p.index)
	f.bench(p, fmt.Errorf("%w: its piece %d is not that of %s", ErrIntegrity, *p.bad, f.root.Text()))
}

// dismiss takes a peer's work from it, for the time being.
func (f *Fetch) dismiss(p *peerState) {
	for c := range f.sessions {
		if c.peer == p && c.joined {
			f.assign.Release(c.id)
			c.order(func(o *orders) { o.revoked = append(o.revoked, rangeset.Range{End: f.size}) })
		}
	}
	f.activate()
	f.wakeAll()
}

// bench sends a peer away for good.
func (f *Fetch) bench(p *peerState, err error) {
	if p.state == Out {
		return
	}
	p.state, p.err, p.note, p.bad = Out, err, err.Error(), nil
	f.log.Warn("peer takes no part", zap.String("peer", p.Addr), zap.Error(err))
	f.agreement.gone(p.index)
	if errors.Is(err, ErrSourceChanged) {
		f.agreement.withdraw(p.index)
	}
	f.dismiss(p)
	if p.leave != nil {
		p.leave()
	}
	if p == f.lead {
		f.follow()
	}
}

// settle decides what can be decided by now, and ends the fetch when all is here.
func (f *Fetch) settle() {
	f.decideSize()
	f.seekProof()
	if f.size < 0 || f.over || f.beginning {
		return
	}
	now := time.Now()
	mine, whole := f.manifest.complete()
	if whole && f.filled.IsZero() {
		f.filled = now
	}
	f.waitsForWord.Store(whole || f.opt.HashesOnly)
	f.checkLead()
	f.decideRoot(now)
	if !f.rooted {
		return
	}
	sealed := f.manifest.sealed(f.root)
	if sealed {
		for _, p := range f.peers {
			if p.bad != nil {
				f.convict(p)
			}
		}
	} else {
		f.relieve(now)
	}
	if whole && mine == f.root && f.written == f.size || sealed && f.opt.HashesOnly {
		f.over = true // nothing that comes from now on may undo it
		f.end(nil)
	}
}

// decideRoot decides on the root once those who tell one suffice.
func (f *Fetch) decideRoot(now time.Time) {
	if !f.sized && f.sizeCertain(now) {
		f.closeSize()
	}
	if f.rooted || !f.sized {
		return
	}
	final := !f.filled.IsZero() && now.Sub(f.filled) >= rootGrace
	root, ok := f.agreement.root(f.size, final)
	if !ok {
		return
	}
	f.root, f.rooted, f.reign = root, true, now
	f.log.Info("agreed on", zap.String("root", root.Text()))
	for _, p := range f.peers {
		f.compareRoot(p)
	}
	f.follow()
}

// sizeCertain reports whether the size need not be asked about any more. That of
// a pinned hash's file is certain once it is shown, by whoever (proof.go): to say
// that one has the file costs a liar nothing.
func (f *Fetch) sizeCertain(now time.Time) bool {
	switch {
	case f.opt.Hash != nil:
		return f.agreement.shown == f.size || f.manifest.sealed(f.root) && (f.manifest.endIsHere() || f.opt.HashesOnly)
	case !f.filled.IsZero() && now.Sub(f.answered) >= settleTime:
		return true // the end waits for nobody who may be down
	}
	return f.answersAreIn(now)
}

// answersAreIn reports whether all peers have answered, or have had time to.
func (f *Fetch) answersAreIn(now time.Time) bool {
	return f.everyoneAnswered() || !f.answered.IsZero() && now.Sub(f.answered) >= sizeGrace
}

// everyoneAnswered reports whether no peer's first answer is awaited.
func (f *Fetch) everyoneAnswered() bool {
	for _, p := range f.peers {
		if p.state == Probing {
			return false
		}
	}
	return true
}

// checkLead takes the root that the lead's hashes make for its word, and sends it
// away if it has given another one.
func (f *Fetch) checkLead() {
	root, whole := f.manifest.list.combined()
	p := f.lead
	switch {
	case !whole || p == nil || p.state == Out:
	case !p.rooted:
		f.rootTold(p, root)
	case p.root != root:
		f.lied(p, fmt.Errorf("%w: the hashes of its pieces make %s, not %s", ErrIntegrity, root.Text(), p.root.Text()))
	}
}
