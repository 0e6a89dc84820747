package peer

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// guarded is a destination that is no larger than its file is said to be, and
// remembers nothing of what is written.
type guarded struct {
	t    *testing.T
	size int64
	busy bool
}

func (g *guarded) begin(_ *Fetch, size int64) (io.WriterAt, error) {
	g.size = size
	return &guarded{t: g.t, size: size}, nil
}

func (g *guarded) WriteAt(b []byte, offset int64) (int, error) {
	if offset < 0 || offset+int64(len(b)) > g.size || offset%assign.PieceBytes != 0 {
		g.t.Fatalf("%d bytes are written at %d of a file of %d", len(b), offset, g.size)
	}
	return len(b), nil
}

func (g *guarded) keep(f *Fetch, p *piece, _ tree.Hash) {
	f.written += p.data.Len()
	f.pool.put(p)
}

func (g *guarded) quick(time.Time) bool { // in turn
	g.busy = !g.busy
	return !g.busy
}

func (g *guarded) heard(*Fetch) {}
func (g *guarded) lose(f *Fetch, i int64) error {
	f.written -= assign.PieceRange(i, f.size).Len()
	return nil
}
func (g *guarded) run(*Fetch, <-chan struct{}) {}
func (g *guarded) end(err error) error         { return err }

// noNetwork is where nobody can be reached.
type noNetwork struct{}

func (noNetwork) Dial(netip.AddrPort) (udp.Conn, error) { return nil, io.EOF }
func (noNetwork) Listen(string) ([]udp.Conn, error)     { return nil, io.EOF }
func (noNetwork) Resolve(context.Context, string) (netip.AddrPort, error) {
	return netip.AddrPort{}, io.EOF
}

// fetchByHand is a fetch whose sessions, and what goes on beside them, are called
// by a test.
type fetchByHand struct {
	*Fetch
	t        *testing.T
	sessions []*clientByHand
}

// clientByHand is one of its sessions.
type clientByHand struct {
	*byHand
	session *clientSession
	over    bool
}

func newFetchByHand(t *testing.T, sessions int) *fetchByHand {
	f := &Fetch{
		opt: FetchOptions{Name: "a", Sessions: sessions, Timeout: time.Minute, Network: noNetwork{}}, log: zap.NewNop(),
		buffers: newBurstBuffers(), began: time.Now(), dest: &guarded{t: t}, ctx: context.Background(),
		writes: make(chan *piece, maxPieces+MaxSessions+maxEver), result: make(chan error, 1),
		size: -1, pool: piecePool{limit: 4}, agreement: newAgreement(nil),
		sessions: map[*clientSession]struct{}{}, byID: map[assign.SessionID]*clientSession{},
	}
	h := &fetchByHand{Fetch: f, t: t}
	for i := range sessions {
		p := f.add(Peer{Addr: string(rune('a' + i%2))})
		p.leave = func() {}
		h.open(p)
	}
	return h
}

func (h *fetchByHand) open(p *peerState) {
	now := time.Now()
	_, early := h.firstRequests(p)
	c := &clientSession{
		session: newSession(7, true, newKeys(), proto.Welcome{Credit: 1 << 20}, time.Millisecond, arq.Config{Controller: &arq.Fixed{WindowBytes: 1 << 20}}),
		fetch:   h.Fetch, peer: p, key: secure.PublicKey{byte(p.index)}, nextID: clientFile + 1, early: early, size: -1, gets: map[proto.ID]*get{}, pieces: map[int64]*piece{},
	}
	out := &wire{}
	c.conn, c.party, c.lander, c.buffers, c.heard, c.awaiting = out, c, c, h.buffers, now, now
	h.join(c)
	h.sessions = append(h.sessions, &clientByHand{byHand: newTwin(c.session, out, false, &sink{}, now), session: c})
}

// turn does what a session's loop does between datagrams.
func (c *clientByHand) turn() error {
	if err := c.session.obey(); err != nil {
		return err
	}
	c.session.takeWork(c.now)
	if err := c.session.send(c.now); err != nil {
		return err
	}
	c.sender.HandleTimeout(c.now)
	return c.session.watch(c.now)
}

// settleOne has a piece written that is complete, as a writer would.
func (h *fetchByHand) settleOne() {
	select {
	case p := <-h.writes:
		b, i, pieces := p.buf[:p.data.Len()], assign.PieceIndex(p.data.Start), tree.Pieces(p.of)
		hasher := p.hasher
		if got, want := hasher.Sum(b, i, pieces), tree.PieceHash(b, i, pieces); got != want {
			h.t.Fatalf("piece %d was hashed as %v, and what is to be written is %v", i, got, want)
		}
		if err := h.deliver(p); err != nil {
			h.end(err)
		}
	default:
	}
}

// bytesOf returns a segment of a request under way, most likely of what the
// session waits for next, so that pieces are completed.
func (c *clientByHand) bytesOf(s *script) []byte {
	for _, id := range slices.Sorted(maps.Keys(c.session.gets)) {
		if s.of(4) == 0 {
			continue
		}
		g := c.session.gets[id]
		r := g.data
		if open := g.open.Ranges(); s.of(8) > 0 && len(open) > 0 {
			r = open[s.of(len(open))]
			if p := c.session.pieces[r.Start]; p != nil {
				for _, m := range p.have.Missing(p.data) {
					r = m
					break
				}
			}
		} else {
			r.Start += int64(s.byte()) * r.Len() / 256
		}
		n := min(r.Len(), []int64{1, 1000, 60_000, 64_000, 65_400}[s.of(5)])
		seg := proto.Segment{
			Request: id, Channel: 1, Burst: proto.Burst(c.twin.sender.NextNumber()), Count: 1, Offset: r.Start, Payload: bytes.Repeat([]byte{s.byte()}, int(n)),
		}
		return seg.Append(nil)
	}
	return s.segment(s.request())
}

const (
	// What a hostile server may cost a fetch: its pieces, which the pool bounds,
	// and for each datagram what its messages and a record of hashes (a page of
	// 128 KiB) take.
	fetchCost  = 16 << 20
	answerCost = 320 << 10
)

// FuzzHostileServer has the sessions of a fetch handle what servers with the
// right keys may send: any frames, any messages, in any order and at any time.
func FuzzHostileServer(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := &script{b: b[:min(len(b), 2000)]}
		h := newFetchByHand(t, 1+s.of(3))
		datagrams := 0
		size := []int64{0, 1, 70_000, assign.PieceBytes + 5, 3 * assign.PieceBytes, 3*assign.PieceBytes + 17, -1}[s.of(7)]
		for _, c := range h.sessions {
			if size < 0 { // whatever they say
				break
			}
			opened := proto.Opened{ID: clientFile, Size: size}
			if err := c.control(opened.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		for !s.over() {
			c := h.sessions[s.of(len(h.sessions))]
			if c.over {
				s.byte()
				continue
			}
			datagrams++
			if err := h.step(c, s); err != nil {
				c.over = true
				h.leave(c.session)
				if isFinal(err) {
					h.mu.Lock()
					h.bench(c.session.peer, err)
					h.mu.Unlock()
				}
			}
			h.check()
		}
		for _, c := range h.sessions {
			if !c.over {
				h.leave(c.session)
			}
		}
		for len(h.writes) > 0 {
			h.settleOne()
		}
		h.check()
		if h.pool.lent != 0 || h.writing != 0 {
			t.Fatalf("%d pieces are lent, %d are to be written after the end", h.pool.lent, h.writing)
		}
		runtime.ReadMemStats(&after)
		if raceEnabled {
			return // it makes a sync.Pool forget
		}
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(fetchCost+datagrams*answerCost); got > most {
			t.Fatalf("%d bytes were allocated for %d datagrams, want %d at most", got, datagrams, most)
		}
	})
}

// step has a session hear something, or time go by.
func (h *fetchByHand) step(c *clientByHand, s *script) (err error) {
	switch op := s.of(16); {
	case op < 2:
		err = c.control(s.message(false).Append(nil))
	case op == 2 && s.of(8) == 0:
		opened := proto.Opened{ID: clientFile, Size: s.number(), Version: proto.FileVersion{s.byte() & 1}}
		err = c.control(opened.Append(nil))
	case op == 3:
		err = c.frames(s.frame(c.sender.NextNumber()))
	case op < 10:
		err = c.frames(c.bytesOf(s))
	case op < 12:
		err = c.hear(h.t, s.of(4) > 0)
	case op < 13:
		c.now = c.now.Add(s.wait())
	case op < 15:
		h.settleOne()
	case s.of(64) == 0:
		err = c.control(s.bytes(s.of(300)))
	default:
		h.mu.Lock()
		h.settle()
		h.mu.Unlock()
	}
	if err == nil {
		err = c.turn()
	}
	return err
}

// check holds the books against each other.
func (h *fetchByHand) check() {
	h.t.Helper()
	held := len(h.writes)
	for c := range h.Fetch.sessions {
		held += len(c.pieces)
		if len(c.gets) > maxRequests {
			h.t.Fatalf("%d requests under way", len(c.gets))
		}
	}
	switch {
	case h.pool.lent != held:
		h.t.Fatalf("%d pieces are lent, %d are held", h.pool.lent, held)
	case h.writing != len(h.writes):
		h.t.Fatalf("%d pieces are to be written, %d are queued", h.writing, len(h.writes))
	case h.pool.lent > h.pool.limit+len(h.sessions):
		h.t.Fatalf("%d pieces are lent, the limit is %d", h.pool.lent, h.pool.limit)
	case h.written < 0 || h.size >= 0 && h.written > h.size:
		h.t.Fatalf("%d bytes of %d are written", h.written, h.size)
	}
	if h.assign == nil || tree.Pieces(h.size) > 1<<12 { // too many to count after each step
		return
	}
	var done int64
	for i := range tree.Pieces(h.size) {
		if r := assign.PieceRange(i, h.size); h.assign.Done(r) {
			done += r.Len()
		}
	}
	for i, x := range h.parts {
		done += x.have.Len()
		if r := assign.PieceRange(i, h.size); !h.assign.Done(x.have.Ranges()[0]) || h.assign.Done(r) {
			h.t.Fatalf("%v of %v are held as parts", x.have.Ranges(), r)
		}
	}
	if left, free := h.assign.Left(), h.assign.Free(); left+done != h.size || free < 0 || free > left {
		h.t.Fatalf("%d bytes are left, %d of them free, and %d received, of %d", left, free, done, h.size)
	}
}
