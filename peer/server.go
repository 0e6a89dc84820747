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

	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// maxServed bounds the sessions of a server. An idle one holds some 40 KiB.
	maxServed = 10000

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
	half     *halfOpenTable
	sessions map[proto.SessionID]*serverSession

	running  sync.WaitGroup
	served   atomic.Uint64 // sessions so far
	overflow atomic.Uint64 // datagrams dropped because a session's inbox was full
}

// datagram is one that a reader hands to a session.
type datagram struct {
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
	conns, err := opt.Network.Listen(opt.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &server{
		opt: opt, log: opt.Log, root: dir, buffers: newBurstBuffers(),
		hashing:  newHashing(opt),
		pool:     sync.Pool{New: func() any { return new(datagram) }},
		paths:    newPaths(opt.Limits),
		half:     newHalfOpenTable(opt.Identity),
		sessions: map[proto.SessionID]*serverSession{},
	}
	return s.run(ctx, conns)
}

func (s *server) run(ctx context.Context, conns []udp.Conn) error {
	addr := conns[0].LocalAddr()
	s.log.Info("listening", zap.Stringer("addr", addr), zap.String("root", s.opt.Root),
		zap.Stringer("key", s.opt.Identity.PublicKey()))
	if s.opt.OnListen != nil {
		s.opt.OnListen(addr)
	}
	sessions, endSessions := context.WithCancel(context.Background())
	defer endSessions()
	s.ctx = sessions
	failed := make(chan error, len(conns))
	var readers sync.WaitGroup
	for _, c := range conns {
		readers.Go(func() { failed <- s.read(sessions, c) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.mu.Lock() // no session is begun past this point: finish looks under the lock
	endSessions()
	s.mu.Unlock()
	s.running.Wait() // each says goodbye, so the sockets must still be open
	s.hashing.running.Wait()
	for _, c := range conns {
		c.Close()
	}
	readers.Wait()
	s.log.Info("stopped", zap.Uint64("overflow", s.overflow.Load()))
	return err
}

// read hands on the datagrams of one socket until that is closed.
func (s *server) read(ctx context.Context, conn udp.Conn) error {
	msgs := newMessages(readMessages)
	for {
		n, err := conn.Read(msgs)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			s.log.Debug("read", zap.Error(err))
			continue
		}
		now := time.Now()
		for i := range msgs[:n] {
			m := &msgs[i]
			eachDatagram(m, func(b []byte) { s.datagram(ctx, now, conn, m.Addr, b) })
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
func (s *server) datagram(ctx context.Context, now time.Time, conn udp.Conn, from netip.AddrPort, b []byte) {
	switch proto.Kind(b[0]) {
	case proto.KindClientSealed:
		h, _, _, err := proto.ParseSealed(b)
		if err != nil || len(b) > maxClientDatagram {
			return
		}
		s.mu.RLock()
		session := s.sessions[h.Session]
		s.mu.RUnlock()
		if session != nil {
			s.deliver(session, from, b)
		}
	case proto.KindHello:
		s.hello(now, conn, from, b)
	case proto.KindFinish:
		s.finish(ctx, now, conn, from, b)
	}
}

func (s *server) deliver(session *serverSession, from netip.AddrPort, b []byte) {
	d := s.pool.Get().(*datagram)
	d.from, d.n = from, copy(d.buf[:], b)
	select {
	case session.inbox <- d:
	default: // the session does not keep up: as good as lost on the way
		s.overflow.Add(1)
		s.pool.Put(d)
	}
}

func (s *server) hello(now time.Time, conn udp.Conn, from netip.AddrPort, b []byte) {
	h, err := proto.ParseHello(b)
	if err != nil {
		return
	}
	var reply []byte
	if h.Version != proto.Version {
		v := proto.Versions{ID: h.ID, Versions: []uint16{proto.Version}}
		reply = v.Append(nil)
	} else {
		s.mu.Lock()
		reply = s.half.hello(now, from, &h, serverCredit)
		s.mu.Unlock()
	}
	if len(reply) > 0 && len(reply) <= len(b) { // no stranger gets more than it sent
		_ = conn.Write(reply, len(reply), from)
	}
}

func (s *server) finish(ctx context.Context, now time.Time, conn udp.Conn, from netip.AddrPort, b []byte) {
	f, err := proto.ParseFinish(b)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, payload := s.half.finish(from, &f)
	if p == nil || ctx.Err() != nil {
		return
	}
	welcome, requests, err := proto.ParseWelcome(payload)
	if err != nil {
		return
	}
	session, err := newServerSession(s, now, conn, p, welcome)
	if err != nil {
		s.log.Warn("session", zap.Stringer("client", from), zap.Error(err))
		return
	}
	if len(s.sessions) >= maxServed {
		session.close(proto.CloseBusy, "too many sessions")
		session.path.leave()
		return
	}
	s.sessions[p.session] = session
	s.running.Go(func() {
		session.run(ctx, requests)
		s.mu.Lock()
		delete(s.sessions, p.session)
		s.mu.Unlock()
	})
}
