package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// clientFile is the id of the one file that a session of a fetch opens.
	clientFile proto.ID = 1

	// minSilence is the least time without a sign of life, with work
	// outstanding, after which a peer's work is given to others.
	minSilence = 250 * time.Millisecond

	// silentEnd is how long a silent session is kept: its server may only have
	// been held up. After that it may have been started anew, and knows nothing
	// of the session.
	silentEnd = 3 * time.Second

	// pingInterval keeps an idle session, and what NATs remember of it, alive
	// (RFC 4787, section 4.3, allows them to forget after 2 minutes and finds
	// 30 s in use).
	pingInterval = 15 * time.Second

	// lanRTT is the round trip under which what is in flight waits in the
	// socket's buffer rather than on the path.
	lanRTT = 2 * time.Millisecond
)

// errSilent is the end of a session whose peer has fallen silent.
var errSilent = errors.New("no sign of life")

// get is a request under way.
type get struct {
	data rangeset.Range
	open rangeset.Set // pieces that are waited for
}

func newGet(r rangeset.Range) *get {
	g := &get{data: r}
	g.open.Add(r)
	return g
}

// clientSession is one session of a fetch. It belongs to one goroutine, but
// for wake.
type clientSession struct {
	*session
	fetch *Fetch
	peer  *peerState
	id    workerID

	finish   []byte // the handshake's third message, until the server is heard
	repeatAt time.Time
	repeat   time.Duration

	early    rangeset.Range // asked for in the handshake, before the size was known
	opened   bool           // the server has the file; written under Fetch.mu
	nextID   proto.ID
	gets     map[proto.ID]*get
	pieces   map[int64]*piece // under way, by index
	awaiting time.Time        // since when something is awaited; zero if nothing is
	silent   bool
	meter    rateMeter
	placed   int64 // bytes of the file that came
	pinged   time.Time
	woken    atomic.Bool
	starved  atomic.Bool // the credit given last was little, for want of memory

	// Guarded by Fetch.mu.
	active    bool // is given work
	muted     bool // silent, as the fetch sees it
	shown     traffic
	shownRate float64
}

// runSession opens a session with p and keeps it until it ends. The error says
// why it did; it is nil when ctx is done.
func (f *Fetch) runSession(ctx context.Context, p *peerState) error {
	addr, err := f.opt.Network.Resolve(ctx, p.Addr)
	if err != nil {
		return err
	}
	conn, err := f.opt.Network.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	hs, err := newHandshake(conn, f.opt.Identity)
	if err != nil {
		return err
	}
	credit := f.memoryCredit(0)
	requests, early := f.firstRequests(p)
	welcome := proto.Welcome{Session: f.id, Credit: credit, MaxDatagram: maxServerDatagram}
	a, err := hs.run(ctx, func(k secure.PublicKey) error { return f.trust(p, k) }, welcome, requests)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	c := &clientSession{
		session: newSession(a.welcome.Session, true, a.keys, a.welcome, a.rtt, f.opt.Limits.config()),
		fetch:   f, peer: p, finish: a.finish, repeat: firstRepeat + 2*a.rtt,
		nextID: clientFile + 1, early: early, gets: map[proto.ID]*get{}, pieces: map[int64]*piece{},
	}
	if a.sampled {
		c.sender.ObserveRTT(a.rtt)
	}
	c.conn, c.addr, c.party, c.buffers = conn, addr, c, f.buffers
	c.heard = time.Now()
	c.awaiting = c.heard
	f.join(c)
	defer f.leave(c)
	err = c.run(ctx)
	if ctx.Err() != nil {
		c.close(proto.CloseDone, "")
		return nil
	}
	var closed *errClosed
	if !errors.As(err, &closed) && !errors.Is(err, errSilent) {
		c.close(proto.CloseProtocol, "")
	}
	return err
}

// run is the session's loop.
func (c *clientSession) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.wake)
	defer stop()
	msgs := newMessages(readMessages)
	for {
		now := time.Now()
		c.takeWork(now)
		if c.starved.Load() && c.credit() >= PieceBytes {
			c.receiver.Announce(now)
		}
		if err := c.send(now); err != nil {
			return err
		}
		c.conn.SetReadDeadline(c.deadline(now))
		if ctx.Err() != nil {
			return nil
		}
		if c.woken.Swap(false) {
			continue
		}
		n, err := c.conn.Read(msgs)
		if errors.Is(err, errConnClosed) {
			return err
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fetch.readErrors.Add(1) // may be forged, and says nothing of what is to come
		}
		now = time.Now()
		if err := c.receive(now, msgs[:n]); err != nil {
			return err
		}
		c.sender.HandleTimeout(now)
		if err := c.watch(now); err != nil {
			return err
		}
	}
}

// wake makes the session look for work. Any goroutine may call it.
func (c *clientSession) wake() {
	c.woken.Store(true)
	c.conn.SetReadDeadline(time.Now())
}

func (c *clientSession) receive(now time.Time, msgs []udp.Message) (err error) {
	for i := range msgs {
		eachDatagram(&msgs[i], func(b []byte) {
			if err == nil {
				err = c.handle(now, b)
			}
		})
	}
	if c.finish != nil && c.datagrams > 0 {
		c.finish = nil // the server has the session
	}
	return err
}

// send flushes, or repeats the handshake's last message while the server may
// not have it: it could make nothing of sealed datagrams.
func (c *clientSession) send(now time.Time) error {
	if c.finish == nil {
		return c.flush(now)
	}
	if now.Before(c.repeatAt) {
		return nil
	}
	if !c.repeatAt.IsZero() {
		c.repeat = min(2*c.repeat, lastRepeat)
	}
	c.repeatAt = now.Add(c.repeat)
	return c.write(c.finish, len(c.finish))
}

// deadline returns how long to wait for a datagram.
func (c *clientSession) deadline(now time.Time) time.Time {
	next := now.Add(pingInterval)
	if !c.awaiting.IsZero() {
		next = c.silentAt()
		if c.silent {
			next = c.heard.Add(silentEnd)
		}
	}
	if c.meter.rate == 0 || len(c.gets) > 0 {
		next = earlier(next, now.Add(rateInterval))
	}
	if c.finish != nil {
		return earlier(next, c.repeatAt)
	}
	if t := c.nextTimeout(); !t.IsZero() {
		next = earlier(next, t)
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// silentAt returns when the peer counts as silent if nothing is heard before.
func (c *clientSession) silentAt() time.Time {
	since := c.heard
	if c.awaiting.After(since) {
		since = c.awaiting
	}
	return since.Add(max(3*c.sender.ProbeTimeout(), minSilence))
}

// watch notes whether the peer is alive.
func (c *clientSession) watch(now time.Time) error {
	if c.silent && c.heard.Equal(now) {
		if err := c.revive(); err != nil {
			return err
		}
	}
	waits := !c.opened || len(c.gets) > 0 || !c.sender.Idle()
	switch {
	case !waits:
		c.awaiting = time.Time{}
		if now.Sub(c.heard) >= pingInterval && now.Sub(c.pinged) >= pingInterval {
			c.pinged = now
			return c.tell(&proto.Ping{})
		}
	case c.awaiting.IsZero():
		c.awaiting = now
	case c.silent && now.Sub(c.heard) >= silentEnd:
		return errSilent
	case !c.silent && !now.Before(c.silentAt()):
		return c.fallSilent()
	}
	if c.meter.tick(now, len(c.gets) > 0 && !c.silent) {
		c.fetch.publish(c)
	}
	return nil
}

// fallSilent gives the session's work to others, and asks for a sign of life.
func (c *clientSession) fallSilent() error {
	c.silent = true
	c.fetch.silent(c)
	return c.tell(&proto.Ping{})
}

// revive goes on with what nobody has taken over meanwhile.
func (c *clientSession) revive() error {
	c.silent = false
	for id, g := range c.gets {
		if open := c.missing(g); len(open) > 0 && c.fetch.reclaim(c, open) {
			g.open.Clear()
			for _, r := range open {
				g.open.Add(r)
			}
			continue
		}
		if err := c.cancel(id, g); err != nil {
			return err
		}
	}
	c.fetch.revived(c)
	return nil
}

// missing returns the pieces of g that are not complete.
func (c *clientSession) missing(g *get) (out []rangeset.Range) {
	for i := pieceIndex(g.data.Start); i*PieceBytes < g.data.End; i++ {
		r := pieceRange(i, c.fetch.size)
		if p := c.pieces[i]; p != nil || !c.fetch.received(r) {
			out = append(out, r)
		}
	}
	return out
}

// cancel drops a request and the pieces that it has begun.
func (c *clientSession) cancel(id proto.ID, g *get) error {
	for i := pieceIndex(g.data.Start); i*PieceBytes < g.data.End; i++ {
		if p := c.pieces[i]; p != nil {
			delete(c.pieces, i)
			c.fetch.putPiece(p)
		}
	}
	delete(c.gets, id)
	return c.tell(&proto.Cancel{ID: id})
}

// takeWork asks for ranges and requests them.
func (c *clientSession) takeWork(now time.Time) {
	if !c.opened || c.silent {
		return
	}
	for {
		r, ok := c.fetch.lease(c)
		if !ok {
			return
		}
		id := c.nextID
		c.nextID++
		if len(c.gets) == 0 {
			c.awaiting = now
		}
		c.gets[id] = newGet(r)
		if err := c.tell(&proto.Get{ID: id, File: clientFile, Range: r}); err != nil {
			return // the control stream is full: the peer is silent, and found out by that
		}
	}
}

// takeEarly makes the request that went with the handshake one like any other,
// or drops it if another session was first.
func (c *clientSession) takeEarly() error {
	if c.early.Empty() {
		return nil
	}
	id := c.nextID
	c.nextID++
	r := c.early.Intersect(rangeset.Range{End: c.fetch.size})
	if r.Empty() {
		return nil
	}
	if !c.fetch.reclaim(c, []rangeset.Range{r}) {
		return c.tell(&proto.Cancel{ID: id})
	}
	c.gets[id] = newGet(r)
	return nil
}

// credit implements party.
func (c *clientSession) credit() uint32 {
	var open int64
	for _, p := range c.pieces {
		open += p.data.Len() - p.have.Len()
	}
	n := c.fetch.memoryCredit(open)
	if rtt := c.sender.Stats().MinRTT; rtt > 0 && rtt < lanRTT {
		n = min(n, uint32(c.conn.ReadBuffer(baseDatagram)))
	}
	c.starved.Store(n < PieceBytes)
	return n
}

// room implements party: it finds the pieces that the segment belongs to.
func (c *clientSession) room(seg *proto.Segment) bool {
	if !c.opened {
		return false // overtaken on the way by what was asked for early
	}
	r, ok := c.wanted(seg)
	if !ok {
		return true // nobody waits for it: taken, and thrown away
	}
	first, last := pieceIndex(r.Start), pieceIndex(r.End-1)
	for i := first; i <= last; i++ {
		if c.pieces[i] != nil || c.fetch.received(pieceRange(i, c.fetch.size)) {
			continue
		}
		// The second piece of a segment that lies in two may pass the limit:
		// the first could never be completed else.
		p := c.fetch.getPiece(pieceRange(i, c.fetch.size), i > first)
		if p == nil {
			return false
		}
		c.pieces[i] = p
	}
	return true
}

// wanted returns which bytes of a segment a request waits for.
func (c *clientSession) wanted(seg *proto.Segment) (rangeset.Range, bool) {
	g := c.gets[seg.Request]
	if g == nil {
		return rangeset.Range{}, false
	}
	r := rangeset.Range{Start: seg.Offset, End: seg.Offset + int64(len(seg.Payload))}
	return r, g.data.Intersect(r) == r
}

// place implements party.
func (c *clientSession) place(seg *proto.Segment) {
	r, ok := c.wanted(seg)
	if !ok {
		return
	}
	g := c.gets[seg.Request]
	c.meter.add(r.Len())
	c.placed += r.Len()
	for i := pieceIndex(r.Start); i <= pieceIndex(r.End-1); i++ {
		p := c.pieces[i]
		if p == nil {
			c.overtaken(g, pieceRange(i, c.fetch.size))
			continue
		}
		part := p.data.Intersect(r)
		copy(p.buf[part.Start-p.data.Start:], seg.Payload[part.Start-r.Start:part.End-r.Start])
		p.have.Add(part)
		if p.complete() {
			delete(c.pieces, i)
			g.open.Remove(p.data)
			c.fetch.complete(c, p)
		}
	}
	if len(g.open.Ranges()) == 0 {
		delete(c.gets, seg.Request)
	}
}

// overtaken notes that another session had a piece of g first: one that was
// silent when it was leased anew, and sent the rest of it after all.
func (c *clientSession) overtaken(g *get, piece rangeset.Range) {
	if g.open.Contains(piece) {
		g.open.Remove(piece)
		c.fetch.drop(c, piece)
	}
}

// read implements party: a client sends no file bytes.
func (c *clientSession) read([]byte, proto.ID, int64) error { panic("BUG: a client has no file") }

// message implements party.
func (c *clientSession) message(_ time.Time, m proto.Message) error {
	switch m := m.(type) {
	case *proto.Opened:
		if m.ID != clientFile || c.opened {
			return violation(fmt.Errorf("unexpected answer %d", m.ID))
		}
		if err := c.fetch.agree(c, m); err != nil {
			return err
		}
		return c.takeEarly()
	case *proto.Failed:
		return c.failed(m)
	}
	return violation(fmt.Errorf("a server does not send %T", m))
}

// failed takes the refusal of a request; it ends the session.
func (c *clientSession) failed(m *proto.Failed) error {
	switch m.Code {
	case proto.FailNotFound:
		return ErrNotFound
	case proto.FailRefused:
		return ErrRefused
	case proto.FailChanged:
		return ErrSourceChanged
	}
	return fmt.Errorf("the peer cannot serve: code %d %s", m.Code, m.Reason)
}
