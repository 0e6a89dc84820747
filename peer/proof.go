package peer

import (
	"fmt"

	"go.uber.org/zap"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

// proof is how a peer shows that the file with the pinned hash has the size that
// it tells, while one of another size is fetched: the hashes of all pieces, which
// make the pinned one, and the last piece. Without that piece the hashes show no
// size: those of larger or smaller parts of the file make the same root.
type proof struct {
	size   int64
	hashes *tree.Joiner
	last   tree.Hash // of the piece that came, if one did
	came   bool
	asked  *clientSession // nil: nobody is
}

func newProof(size int64) *proof {
	return &proof{size: size, hashes: tree.NewJoiner(tree.Pieces(size))}
}

// lastPiece returns the piece that proves the size.
func (x *proof) lastPiece() rangeset.Range { return assign.PieceRange(tree.Pieces(x.size)-1, x.size) }

// seekProof asks for a proof those who say that they have the pinned hash's file,
// where it is another one than the file under way. Whoever has it can give one.
func (f *Fetch) seekProof() {
	if f.opt.Hash == nil || f.sized || f.over {
		return
	}
	for _, p := range f.peers {
		if p.state != Live || !p.rooted || p.root != f.root || p.size == f.size {
			continue
		}
		if p.size == 0 {
			f.judgeEmpty(p)
			continue
		}
		if p.proof == nil {
			p.proof = newProof(p.size)
		}
		x := p.proof
		if _, lives := f.sessions[x.asked]; lives && !x.asked.muted {
			continue
		}
		x.asked = nil
		for c := range f.sessions {
			if c.peer == p && c.answered && !c.muted && !c.joined {
				x.asked = c
			}
		}
		if x.asked != nil {
			x.asked.order(func(o *orders) { o.prove = true })
		}
	}
}

// proves reports whether a session is to fetch the piece that proves its peer's
// size.
func (f *Fetch) proves(c *clientSession) bool {
	x := c.peer.proof
	return x != nil && x.asked == c && !c.joined && !x.came
}

// prove asks for what shows the size of the peer's file.
func (c *clientSession) prove() error {
	c.fetch.mu.Lock()
	x := c.peer.proof
	if x == nil || x.asked != c {
		c.fetch.mu.Unlock()
		return nil
	}
	pieces := rangeset.Range{Start: x.hashes.Next(), End: tree.Pieces(x.size)}
	last, came := x.lastPiece(), x.came
	c.fetch.mu.Unlock()
	if !pieces.Empty() {
		if err := c.tell(&proto.Tree{File: clientFile, Pieces: pieces}); err != nil {
			return err
		}
	}
	if came {
		return nil
	}
	id := c.nextID
	c.nextID++
	c.gets[id] = newGet(last)
	return c.tell(&proto.Get{ID: id, File: clientFile, Range: last})
}

// heardProof takes hashes of a file that is not under way.
func (f *Fetch) heardProof(p *peerState, m *proto.Hashes) {
	x := p.proof
	for n, h := range m.Hashes {
		if m.First+int64(n) == x.hashes.Next() && x.hashes.Next() < tree.Pieces(x.size) {
			x.hashes.Add(h)
		}
	}
	f.judgeProof(p)
}

// tookLast takes the last piece of a file that is not under way.
func (f *Fetch) tookLast(c *clientSession, p *piece) {
	x := c.peer.proof
	if !f.proves(c) || p.data != x.lastPiece() || p.of != x.size {
		return
	}
	pieces := tree.Pieces(x.size)
	x.last, x.came = tree.PieceHash(p.buf[:p.data.Len()], pieces-1, pieces), true
	f.judgeProof(c.peer)
}

// judgeProof decides whether a peer's size is shown, or its word false.
func (f *Fetch) judgeProof(p *peerState) {
	x := p.proof
	root, whole := x.hashes.Root()
	switch {
	case !whole:
		return
	case root != f.root:
		f.lied(p, fmt.Errorf("%w: the hashes of its pieces make %s, not %s", ErrIntegrity, root.Text(), f.root.Text()))
	case !x.came:
		return
	case x.last != x.hashes.Last():
		f.lied(p, fmt.Errorf("%w: its last piece does not have the hash that it told", ErrIntegrity))
	default:
		f.log.Info("the size is shown", zap.String("peer", p.Addr), zap.Int64("bytes", x.size))
		f.agreement.show(x.size)
	}
	p.proof = nil
	f.settle()
}

// judgeEmpty is judgeProof for an empty file, of which there is nothing to ask for.
func (f *Fetch) judgeEmpty(p *peerState) {
	if root := tree.PieceHash(nil, 0, 1); root != f.root {
		f.lied(p, fmt.Errorf("%w: an empty file is %s, not %s", ErrIntegrity, root.Text(), f.root.Text()))
		return
	}
	f.agreement.show(0)
}

// lied sends a peer away whose word has proved false.
func (f *Fetch) lied(p *peerState, err error) {
	f.agreement.withdraw(p.index)
	f.bench(p, err)
}
