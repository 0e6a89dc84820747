package peer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// maxFiles and maxGets bound what one session holds open (arbitrary).
	maxFiles = 16
	maxGets  = 256
)

// serverSession serves one session. It belongs to one goroutine.
type serverSession struct {
	*session
	server *server
	path   *pathMember
	holder holder // whom its files are counted to
	log    *zap.Logger
	memory share // for control messages
	record share // for what is remembered of what is in flight
	inbox  inbox
	wake   chan struct{} // capacity 1: something may have come, or be to tell
	files  map[proto.ID]*servedFile
	gets   map[proto.ID]*servedFile
	feeds  map[proto.ID]*treeFeed // by file

	acked   uint64    // bytes of the sender, as of movedAt
	movedAt time.Time // when the client took something last, or had nothing to take

	maxDatagram int // that the client takes

	used     atomic.Int64 // when the client last acknowledged something new, in ns since 1970
	evicted  atomic.Bool  // another client has its place
	expelled atomic.Bool  // the client is no longer served
}

func newServerSession(s *server, now time.Time, conn udp.Conn, p *halfOpen, w proto.Welcome) (*serverSession, error) {
	keys, err := p.handshake.Keys()
	if err != nil {
		return nil, err
	}
	if w.MaxDatagram < baseDatagram {
		return nil, fmt.Errorf("client takes datagrams of %d bytes only", w.MaxDatagram)
	}
	longest := max(now.Sub(p.answered), time.Microsecond)
	rtt := longest
	if w.RTT > 0 { // the client knows whether it had to repeat itself
		rtt = min(rtt, w.RTT)
	}
	client := p.handshake.PeerKey()
	member := s.paths.join(pathKey{client, uint64(w.Session), p.addr.Addr()}, rtt, longest)
	base := s.opt.Limits.config()
	if s.opt.Trace != nil {
		base.Trace = s.opt.Trace.session(s.served.Add(1))
	}
	c := &serverSession{
		server: s,
		path:   member,
		holder: holder{site(p.addr), client},
		inbox:  inbox{commons: s.inboxes},
		log:    s.log.WithLazy(zap.Stringer("client", p.addr), zap.String("key", client.Short())),
		wake:   make(chan struct{}, 1),
		files:  map[proto.ID]*servedFile{},
		gets:   map[proto.ID]*servedFile{},
		feeds:  map[proto.ID]*treeFeed{},

		maxDatagram: int(w.MaxDatagram),
	}
	c.share(s)
	base.Controller, base.Memory, base.Records = member, &c.memory, &c.record
	c.session = newSession(p.session, false, keys, w, rtt, base)
	c.control.Memory = &c.memory
	c.check = &pathCheck{}
	c.sealer = secure.NewSealer(keys.Send, s.opt.Limits.KeyPackets)
	c.conn, c.addr, c.party, c.buffers, c.heard, c.movedAt = conn, p.addr, c, s.buffers, now, now
	c.used.Store(now.UnixNano())
	c.mtu = arq.NewPathMTU(now, baseDatagram, c.maxDatagram, c.sender.ProbeTimeout())
	return c, nil
}

// run serves until the client leaves, falls silent or breaks the protocol, or
// ctx is done.
func (c *serverSession) run(ctx context.Context, requests []byte) {
	defer c.release()
	err := c.first(time.Now(), requests)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for err == nil {
		if err = c.feed(); err != nil {
			break
		}
		now := time.Now()
		c.checkPath(now)
		if err = c.flush(now); err != nil {
			break
		}
		c.forgetFinished()
		next := c.givenUpAt()
		if t := c.nextTimeout(); !t.IsZero() && t.Before(next) {
			next = t
		}
		timer.Reset(next.Sub(now))
		select {
		case <-c.wake:
			err = c.drain()
		case <-timer.C:
		case <-ctx.Done():
			err = &errClosed{proto.Close{Code: proto.CloseShutdown}}
		}
		if now = time.Now(); err == nil {
			c.sender.HandleTimeout(now)
			err = c.overdue(now)
		}
	}
	c.end(ctx, err)
}

// wakeUp has the session's loop look at what there is to do. Any goroutine may call it.
func (c *serverSession) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake, and looks before it sleeps
	}
}

// first handles the control messages that came with the handshake.
func (c *serverSession) first(now time.Time, requests []byte) error {
	for {
		m, rest, err := proto.NextMessage(requests)
		if err != nil {
			return violation(err)
		}
		if m == nil {
			return nil
		}
		if err := c.message(now, m); err != nil {
			return err
		}
		requests = rest
	}
}

// drain handles the datagrams that wait.
func (c *serverSession) drain() error {
	now := time.Now()
	for n := 0; ; n++ {
		if n == inboxLen { // as many may have come meanwhile, and the rest of the loop waits
			c.wakeUp()
			return nil
		}
		d := c.inbox.take()
		if d == nil {
			return nil
		}
		c.from = d.from
		err := c.handle(now, d.buf[:d.n])
		c.server.pool.Put(d)
		if err != nil {
			return err
		}
	}
}

// end says goodbye and logs the outcome.
func (c *serverSession) end(ctx context.Context, err error) {
	var closed *errClosed
	switch {
	case ctx.Err() != nil:
		c.close(proto.CloseShutdown, "")
	case errors.As(err, &closed): // the client has left
	case errors.Is(err, errIdle), errors.Is(err, errStalled):
		c.close(proto.CloseIdle, "")
	case errors.Is(err, errNotAllowed):
		refusal := forbidden()
		c.close(refusal.Code, refusal.Reason)
	case errors.Is(err, arq.ErrNoMemory):
		c.close(proto.CloseBusy, "too much waits in this session")
	case errors.Is(err, errEvicted):
		c.close(proto.CloseBusy, errEvicted.Error())
	default:
		c.close(proto.CloseProtocol, "")
	}
	st := c.sender.Stats()
	fields := []zap.Field{
		zap.Uint64("bytes", st.Bytes), zap.Uint64("segments", st.Segments), zap.Uint64("repeated", st.Repeated),
		zap.Duration("rtt", st.SmoothedRTT), zap.NamedError("reason", err),
	}
	c.log.Info("session ended", fields...)
}

// release gives back what the session has of the server's.
func (c *serverSession) release() {
	for id := range c.files {
		c.closeFile(id)
	}
	c.path.leave()
	for d := c.inbox.close(); d != nil; {
		next := d.next
		d.next = nil
		c.server.pool.Put(d)
		d = next
	}
	c.memory.release()
	c.record.release()
}

// share has the session share the memory of a server's sessions.
func (c *serverSession) share(s *server) {
	c.memory = share{own: controlShare, commons: s.control}
	c.record = share{own: recordShare, commons: s.records}
}

func (c *serverSession) closeFile(id proto.ID) {
	f := c.files[id]
	delete(c.files, id)
	delete(c.feeds, id)
	still := false // the same file is open under another id
	for _, feed := range c.feeds {
		still = still || feed.tree == f.tree
	}
	c.server.hashing.done(f.tree, c, still)
	c.server.root.giveBack(c.holder, f)
}

// forgetFinished drops requests that have been served whole.
func (c *serverSession) forgetFinished() {
	for id, ok := c.sender.Finished(); ok; id, ok = c.sender.Finished() {
		delete(c.gets, id)
	}
}

// credit implements party: requests are small.
func (c *serverSession) credit() uint32 { return serverCredit }

// room implements party. A client has no file bytes to send, and is not let to
// make this side keep the state of channels.
func (c *serverSession) room(*proto.Segment) bool { return false }

// place implements party.
func (c *serverSession) place(*proto.Segment) {}

// message implements party.
func (c *serverSession) message(_ time.Time, m proto.Message) error {
	switch m := m.(type) {
	case *proto.Open:
		return c.open(m)
	case *proto.Get:
		return c.get(m)
	case *proto.Cancel:
		return c.cancel(m.ID)
	case *proto.Drop:
		c.sender.Drop(m.ID, m.Range)
		return nil
	case *proto.Pace:
		c.path.pace(m)
		return nil
	case *proto.Tree:
		return c.askedTree(m)
	case *proto.Ping: // sent by one that hears nothing, or has heard nothing for a while
		c.sender.Nudge()
		return nil
	}
	return violation(fmt.Errorf("a client does not send %T", m))
}

func (c *serverSession) open(m *proto.Open) error {
	if c.files[m.ID] != nil || m.ID == proto.Control {
		return violation(fmt.Errorf("id %d used twice", m.ID))
	}
	if len(c.files) >= maxFiles {
		return c.fail(m.ID, proto.FailBusy, "too many open files")
	}
	f, err := c.server.root.takeFor(c.holder, m.Name)
	if err != nil {
		c.log.Info("request", strangerText("name", m.Name), zap.String("outcome", "not served"), strangerText("error", err.Error()))
		return c.fail(m.ID, openFailure(err), "")
	}
	c.log.Info("request", strangerText("name", m.Name), zap.String("outcome", "opened"), zap.Int64("size", f.stamp.Size))
	c.files[m.ID] = f
	f.tree = c.server.hashing.use(f)
	return c.tell(&proto.Opened{ID: m.ID, Size: f.stamp.Size, Version: f.version})
}

func (c *serverSession) get(m *proto.Get) error {
	f := c.files[m.File]
	switch {
	case f == nil: // its Open failed, and the client has been told
		return c.fail(m.ID, proto.FailRequest, "no such file id")
	case m.ID == proto.Control || c.gets[m.ID] != nil:
		return violation(fmt.Errorf("id %d used twice", m.ID))
	case len(c.gets) >= maxGets:
		return c.fail(m.ID, proto.FailBusy, "too many requests")
	}
	r := m.Range.Intersect(rangeset.Range{End: f.stamp.Size})
	if r.Empty() {
		return nil
	}
	c.gets[m.ID] = f
	c.log.Debug("get", zap.Uint32("id", uint32(m.ID)), zap.Stringer("range", r))
	c.sender.Send(m.ID, r)
	return nil
}

// cancel stops a Get, or closes the file of an Open.
func (c *serverSession) cancel(id proto.ID) error {
	if f := c.files[id]; f != nil {
		for get, file := range c.gets {
			if file == f {
				c.abort(get)
			}
		}
		c.closeFile(id)
		return nil
	}
	c.sender.Cancel(id)
	return nil
}

func (c *serverSession) abort(get proto.ID) {
	c.sender.Abort(get)
	delete(c.gets, get)
}

func (c *serverSession) fail(id proto.ID, code proto.FailCode, reason string) error {
	return c.tell(&proto.Failed{ID: id, Code: code, Reason: reason})
}

// read implements party. A file that cannot be read any more ends its requests.
func (c *serverSession) read(parts [][]byte, request proto.ID, offset int64) error {
	f := c.gets[request]
	if f == nil {
		return errChanged
	}
	err := f.readParts(parts, offset)
	if err == nil {
		return nil
	}
	code, reason := proto.FailIO, "read error"
	if isChange(err) {
		code, reason = proto.FailChanged, ""
	}
	c.log.Warn("file", strangerText("name", f.file.Name()), zap.Error(err))
	c.abort(request)
	_ = c.fail(request, code, reason) // if even that does not fit, silence tells
	return err
}
