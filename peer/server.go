package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// maxClientDatagram is the longest datagram that a server takes: clients
	// send requests and acknowledgements only.
	maxClientDatagram = 2048

	// serverCredit is what a server takes in flight: requests.
	serverCredit = 256 << 10

	// readMessages is how many runs of datagrams one read may return.
	readMessages = 8
)

// server is a running Serve.
type server struct {
	opt     ServeOptions
	log     *zap.Logger
	root    *root
	hashing *hashing
	ctx     context.Context // ends with the server
	buffers *burstBuffers
	pool    sync.Pool // of *datagram

	mu       sync.RWMutex
	paths    *paths
	sessions map[proto.SessionID]*serverSession
	quota    *quota
	allow    map[secure.PublicKey]bool // nil: everybody is served

	admission *admission
	crashes   *crashes
	refusals  occasionally
	loaded    occasionally

	inboxes *commons // of the datagrams that wait for sessions
	control *commons // of the bytes of their control messages
	records *commons // of what they remember of what is in flight

	running  sync.WaitGroup
	served   atomic.Uint64 // sessions so far
	overflow atomic.Uint64 // datagrams dropped because a session's inbox was full
	crowded  atomic.Uint64 // the same because all sessions' inboxes were
}

// datagram is one that a reader hands to a session.
type datagram struct {
	next *datagram // that waits for the same session
	from netip.AddrPort
	n    int
	buf  [maxClientDatagram]byte
}

// Serve answers for the files below opt.Root until ctx is done, then says
// goodbye to its sessions and returns nil.
func Serve(ctx context.Context, opt ServeOptions) error {
	if err := opt.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	if opt.Network == nil {
		opt.Network = HostNetwork{udp.Options{Sockets: serverSockets()}}
	}
	dir, err := openRoot(opt.Root, opt.Identity.PublicKey())
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	defer dir.close()
	dir.private.Store(newPrivate(opt.Private))
	conns, err := opt.Network.Listen(opt.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &server{
		opt: opt, log: opt.Log, root: dir, buffers: newBurstBuffers(),
		pool:     sync.Pool{New: func() any { return new(datagram) }},
		paths:    newPaths(opt.Limits),
		sessions: map[proto.SessionID]*serverSession{}, quota: newQuota(), allow: allowed(opt.Allow),
		crashes: &crashes{log: opt.Log},
		inboxes: newCommons(inboxCommons), control: newCommons(controlCommons), records: newCommons(recordCommons),
	}
	if opt.sessions > 0 {
		s.quota.most = opt.sessions
	}
	s.hashing = newHashing(opt, s.crashes)
	s.admission = newAdmission(time.Now(), opt.Identity, opt.PSK, s.crashes)
	s.admission.begin = s.begin
	s.admission.arrived = func(id proto.SessionID, from netip.AddrPort, b []byte) { s.toSession(id, from, b) }
	return s.run(ctx, conns)
}

func (s *server) run(ctx context.Context, conns []udp.Conn) error {
	addr := conns[0].LocalAddr()
	s.log.Info("listening", zap.Stringer("addr", addr), zap.String("root", s.opt.Root),
		zap.Stringer("key", s.opt.Identity.PublicKey()))
	if s.opt.OnStart != nil {
		s.opt.OnStart(&Server{s})
	}
	if s.opt.OnListen != nil {
		s.opt.OnListen(addr)
	}
	sessions, endSessions := context.WithCancel(context.Background())
	defer endSessions()
	s.ctx = sessions
	s.admission.start()
	failed := make(chan error, len(conns))
	var readers sync.WaitGroup
	for _, c := range conns {
		readers.Go(func() { failed <- s.read(c) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.mu.Lock() // no session is begun past this point: begin looks under the lock
	endSessions()
	s.mu.Unlock()
	s.running.Wait() // each says goodbye, so the sockets must still be open
	s.hashing.running.Wait()
	for _, c := range conns {
		c.Close()
	}
	readers.Wait()
	s.admission.stop()
	s.log.Info("stopped", append(s.admission.counts.fields(),
		zap.Uint64("overflow", s.overflow.Load()), zap.Uint64("overflow_of_all", s.crowded.Load()),
		zap.Uint64("panics", s.crashes.count.Load()))...)
	return err
}

// read hands on the datagrams of one socket until that is closed, or fails for
// good.
func (s *server) read(conn udp.Conn) error {
	msgs := newMessages(readMessages)
	var trouble readTrouble
	for {
		n, err := conn.Read(msgs)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		now := time.Now()
		if err != nil {
			s.log.Debug("read", zap.Error(err))
			if trouble.deaf(now) {
				return fmt.Errorf("read: %w", err)
			}
			time.Sleep(trouble.pause(now))
			continue
		}
		trouble.over()
		for i := range msgs[:n] {
			m := &msgs[i]
			eachDatagram(m, func(b []byte) {
				s.crashes.contain("a datagram", func() { s.datagram(now, conn, m.Addr, b) })
			})
		}
	}
}

func newMessages(n int) []udp.Message {
	msgs := make([]udp.Message, n)
	for i := range msgs {
		msgs[i].Buf = make([]byte, udp.MaxRead)
	}
	return msgs
}

// eachDatagram calls do for each datagram of a run.
func eachDatagram(m *udp.Message, do func(b []byte)) {
	for b := m.Buf[:m.N]; len(b) > 0; {
		n := min(m.Segment, len(b))
		do(b[:n:n])
		b = b[n:]
	}
}

// datagram deals with one datagram. It never waits.
func (s *server) datagram(now time.Time, conn udp.Conn, from netip.AddrPort, b []byte) {
	switch proto.KindOf(b) {
	case proto.KindClientSealed:
		h, _, _, err := proto.ParseSealed(b)
		if err != nil || len(b) > maxClientDatagram {
			return
		}
		if !s.toSession(h.Session, from, b) && !s.admission.hold(h.Session, from, b) {
			s.toSession(h.Session, from, b) // which may have begun between the two
		}
	case proto.KindHello:
		s.hello(now, conn, from, b)
	case proto.KindFinish:
		if f, err := proto.ParseFinish(b); err == nil && len(b) <= maxFinish {
			s.admission.finish(now, conn, from, &f)
		}
	}
}

// toSession hands a datagram to a session and reports whether there is one.
func (s *server) toSession(id proto.SessionID, from netip.AddrPort, b []byte) bool {
	s.mu.RLock()
	session := s.sessions[id]
	s.mu.RUnlock()
	if session != nil {
		s.deliver(session, from, b)
	}
	return session != nil
}

func (s *server) deliver(session *serverSession, from netip.AddrPort, b []byte) {
	d := s.pool.Get().(*datagram)
	d.from, d.n = from, copy(d.buf[:], b)
	switch session.inbox.put(d) {
	case kept:
		return
	case keptOnly:
		select {
		case session.wake <- struct{}{}:
		default: // it is awake
		}
		return
	case full: // as good as lost on the way
		s.overflow.Add(1)
	case crowded:
		s.crowded.Add(1)
	case ended:
	}
	s.pool.Put(d)
}

func (s *server) hello(now time.Time, conn udp.Conn, from netip.AddrPort, b []byte) {
	h, err := proto.ParseHello(b)
	if err != nil || len(b) > maxClientDatagram {
		return
	}
	var reply []byte
	switch {
	case h.Version == proto.Version:
		reply = s.admission.hello(now, conn, from, &h)
		if len(reply) > 0 && proto.KindOf(reply) == proto.KindRetry && s.loaded.now() {
			s.log.Info("many handshakes: cookies are asked for", s.admission.counts.fields()...)
		}
	case s.admission.psk.Load() == nil: // with one, it cannot be told whether a stranger asks
		v := proto.Versions{ID: h.ID, Versions: []uint16{proto.Version}}
		reply = v.Append(nil)
	}
	if len(reply) > 0 && len(reply) <= len(b) { // no stranger gets more than it sent
		_ = conn.Write(reply, len(reply), from)
	}
}

// begin begins a session with a client whose handshake is done, or tells it why
// it does not.
func (s *server) begin(now time.Time, conn udp.Conn, p *halfOpen, payload []byte) {
	welcome, requests, err := proto.ParseWelcome(payload)
	if err != nil {
		return
	}
	session, err := newServerSession(s, now, conn, p, welcome)
	if err != nil {
		s.log.Warn("session", zap.Stringer("client", p.addr), zap.Error(err))
		return
	}
	key := session.holder.key
	s.mu.Lock()
	refusal := s.refusal(now, session.holder)
	if refusal == nil {
		s.sessions[p.session] = session
		s.running.Go(func() {
			s.host(session, requests)
			s.forget(session)
		})
	}
	s.mu.Unlock()
	if refusal != nil {
		session.close(refusal.Code, refusal.Reason)
		session.path.leave()
		if s.refusals.now() {
			session.log.Info("session refused", zap.Stringer("public_key", key), zap.Stringer("code", refusal.Code), zap.String("reason", refusal.Reason))
		}
	}
}

// host runs a session until it ends.
func (s *server) host(session *serverSession, requests []byte) {
	if s.crashes.contain("a session", func() { session.run(s.ctx, requests) }) {
		s.crashes.contain("the end of a session", func() { session.close(proto.CloseInternal, "") })
	}
}

// refusal returns why a client gets no session, nil if it gets one.
func (s *server) refusal(now time.Time, h holder) *proto.Close {
	if s.ctx.Err() != nil {
		return &proto.Close{Code: proto.CloseShutdown}
	}
	if !s.allows(h.key) {
		return forbidden()
	}
	return s.seat(now, h)
}
