package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// clientFile is the id of the one file that a session of a fetch opens.
	clientFile proto.ID = 1

	// pingInterval keeps an idle session, and what NATs remember of it, alive
	// (RFC 4787, section 4.3, allows them to forget after 2 minutes and finds
	// 30 s in use).
	pingInterval = 15 * time.Second

	// lastPing is the same while the fetch has all bytes and waits for peers to
	// tell what they hash to (arbitrary).
	lastPing = time.Second

	// requestWait is the most that backoff makes a request wait to be repeated
	// (arbitrary: a silent session ends after six of them).
	requestWait = 500 * time.Millisecond
)

// clientSession is one session of a fetch. It belongs to one goroutine, but
// for wake.
type clientSession struct {
	*session
	fetch *Fetch
	peer  *peerState
	id    assign.SessionID // changes when the file does; written under Fetch.mu

	generation int // of the file that it takes part in; written under Fetch.mu

	socket   *redialer
	redialed time.Time

	finish   []byte // the handshake's third message, until the keys are mixed
	repeatAt time.Time
	repeat   backoff

	contact *contact // nil if the server's key was known before
	key     secure.PublicKey

	early     rangeset.Range         // asked for in the handshake, before the size was known
	unsized   tooSoon[proto.Segment] // of that, before the size
	size      int64                  // of the server's file; -1 until it has answered
	nextID    proto.ID
	gets      map[proto.ID]*get
	pieces    map[int64]*piece // under way, by where in the file they begin
	next      landing
	asksAgain bool      // there was no work, and may be soon
	awaiting  time.Time // since when something is awaited; zero if nothing is
	silent    bool
	meter     assign.Meter
	trouble   readTrouble
	placed    int64 // bytes of the file that came
	fault     error // the peer's, found where it could not be returned
	pinged    time.Time

	look       look
	doubts     int   // times in a row that it was asked whether it is there, and nothing came but the answer
	placedThen int64 // placed, at the first of them

	woken   atomic.Bool
	starved atomic.Bool // the credit given last was little, for want of memory

	ordered atomic.Bool // told is not empty

	// Guarded by Fetch.mu.
	told      orders
	answered  bool // the server has the file
	joined    bool // takes part in the file under way
	active    bool // is given work
	muted     bool // silent, as the fetch sees it
	shown     traffic
	shownRate float64
}

// senderConfig is what a session's sender is told. It sends requests and no file: its
// probes cost little, and find out when a peer answers again.
func (f *Fetch) senderConfig() arq.Config {
	c := f.opt.Limits.config()
	c.MaxProbeWait, c.CopyControl = requestWait, true
	return c
}

// holdSession is runSession, which deals with panics.
func (f *Fetch) holdSession(ctx context.Context, p *peerState) error {
	addr, err := f.opt.Network.Resolve(ctx, p.Addr)
	if err != nil {
		return err
	}
	conn, err := newRedialer(func() (udp.Conn, error) { return f.opt.Network.Dial(addr) })
	if err != nil {
		return err
	}
	defer conn.Close()
	hs, err := newHandshake(conn, f.opt.Identity, p.PSK)
	if err != nil {
		return err
	}
	credit := f.memoryCredit(0)
	requests, early := f.firstRequests(p)
	if !early.Empty() {
		defer f.unreserve(p)
	}
	welcome := proto.Welcome{Session: f.id, Credit: uint32(credit), MaxDatagram: f.longestDatagram()}
	first := false
	a, err := hs.run(ctx, func(k secure.PublicKey) (err error) {
		if first, err = f.trust(p, k); errors.Is(err, ErrKey) {
			f.distrust(p, err)
		}
		return err
	}, welcome, requests)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	c := &clientSession{
		session: newSession(a.welcome.Session, true, a.keys, a.welcome, a.rtt, f.senderConfig()),
		fetch:   f, peer: p, socket: conn, finish: a.finish, repeat: backoff{first: max(a.rtt/4, finishSlack), wait: 3*a.rtt/2 + finishSlack},
		key: a.contact.key, nextID: clientFile + 1, early: early, size: -1, gets: map[proto.ID]*get{}, pieces: map[int64]*piece{},
	}
	if first {
		c.contact = &a.contact
	}
	c.sealer = secure.NewSealer(a.keys.Send, f.opt.Limits.KeyPackets)
	if c.kem, err = secure.NewKEM(); err != nil {
		return err
	}
	if a.sampled {
		c.sender.ObserveRTT(a.rtt)
	} else if err := c.tell(&proto.Ping{}); err != nil { // its acknowledgement tells the round trip
		return err
	}
	c.conn, c.addr, c.party, c.lander, c.buffers = conn, addr, c, c, f.buffers
	c.heard = time.Now()
	c.awaiting = c.heard
	f.join(c)
	defer f.leave(c)
	err = c.run(ctx)
	if errors.Is(err, arq.ErrViolation) {
		c.fault = err
	}
	f.dropped.Add(conn.Stats().Dropped)
	if ctx.Err() != nil {
		c.close(proto.CloseDone, "")
		return nil
	}
	var closed *errClosed
	switch {
	case errors.As(err, &closed), errors.Is(err, errSilent):
	case errors.Is(err, arq.ErrViolation):
		c.close(proto.CloseProtocol, "")
	default: // what it has is not what is wanted, or this host has failed
		c.close(proto.CloseDone, "")
	}
	if closed != nil && closed.Code == proto.CloseForbidden {
		return fmt.Errorf("%w: ask the server's admin to allow %v", ErrRefused, f.opt.Identity.PublicKey())
	}
	return err
}

// run is the session's loop.
func (c *clientSession) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.wake)
	defer stop()
	msgs, n := newMessages(readMessages), 0
	for {
		now := time.Now()
		if err := c.obey(); err != nil {
			return err
		}
		c.placeUnsized()
		c.takeWork(now)
		if c.starved.Load() && c.credit() >= assign.PieceBytes {
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
		if n < len(msgs) && c.gathers() {
			time.Sleep(gatherTime)
		}
		var err error
		entered := time.Now()
		n, err = c.conn.Read(msgs)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		now = time.Now()
		c.look.read(entered, now, n > 0 || c.trouble.lasts())
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fetch.readErrors.Add(1) // may be forged, and says nothing of what is to come
			time.Sleep(c.trouble.pause(now))
		} else {
			c.trouble.over()
		}
		if err := c.receive(now, msgs[:n]); err != nil {
			return err
		}
		c.sender.HandleTimeout(now)
		if err := c.watch(now); err != nil {
			return err
		}
		c.redial(now)
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
			switch {
			case err != nil:
			case c.contact != nil && proto.KindOf(b) == proto.KindHelloReply:
				err = c.heardAnswer(b)
			default:
				err = c.handleFirst(now, b)
			}
		})
	}
	if err == nil && c.mixed && c.finish != nil {
		c.finish = nil // the server has the session, and the keys
		err = c.fetch.met(c.peer, c.contact, c.key)
	}
	return err
}

// handleFirst handles a datagram, and what came before the keys that came with it.
func (c *clientSession) handleFirst(now time.Time, datagram []byte) error {
	err := c.handle(now, datagram)
	for u := &c.unopened; err == nil && c.mixed && len(u.waiting) > 0; {
		first := u.waiting[0]
		u.take()
		err = c.handle(now, first)
	}
	return err
}

// send flushes, or repeats the handshake's last message and what goes with it
// while the server may not have them: it could make nothing of other datagrams.
func (c *clientSession) send(now time.Time) error {
	if c.finish == nil {
		if c.sealer.Due() && c.sender.Idle() {
			if err := c.tell(&proto.Ping{}); err != nil { // its acknowledgement lets the key be updated
				return err
			}
		}
		return c.flush(now)
	}
	if now.Before(c.repeatAt) {
		return nil
	}
	c.repeatAt = now.Add(c.repeat.next())
	if err := c.write(c.finish, len(c.finish)); err != nil {
		return err
	}
	return c.sendKEMKey()
}

// deadline returns how long to wait for a datagram.
func (c *clientSession) deadline(now time.Time) time.Time {
	next := now.Add(c.pingAfter())
	if !c.awaiting.IsZero() {
		switch {
		case c.silent:
			next = c.endAt()
		case c.mayDoubt():
			next = c.doubtAt()
		default:
			next = c.silentAt()
		}
		if !next.After(now) { // this host was held up: what waits is read before the peer is judged
			next = now.Add(lookTime)
		}
	}
	if c.meter.Rate() == 0 || len(c.gets) > 0 || c.asksAgain {
		next = earlier(next, now.Add(assign.RateInterval))
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

// read implements party: a client sends no file bytes.
func (c *clientSession) read([][]byte, proto.ID, int64) error { panic("BUG: a client has no file") }

// message implements party.
func (c *clientSession) message(_ time.Time, m proto.Message) error {
	switch m := m.(type) {
	case *proto.Opened:
		if m.ID != clientFile || c.size >= 0 {
			return violation(fmt.Errorf("unexpected answer %d", m.ID))
		}
		if err := c.fetch.agree(c, m); err != nil {
			return err
		}
		return c.takeEarly()
	case *proto.Hashes:
		if m.File != clientFile {
			return violation(errors.New("hashes of another file"))
		}
		return c.fetch.heardHashes(c, m)
	case *proto.Root:
		if m.File != clientFile {
			return violation(errors.New("root of another file"))
		}
		c.fetch.heardRoot(c, m)
		return nil
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
	return fmt.Errorf("the peer cannot serve: code %d %q", m.Code, m.Reason) // quoted: it may be made to look like another line
}
