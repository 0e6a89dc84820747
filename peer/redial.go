package peer

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"chunkcp/internal/udp"
)

// redialGap is the least time between two sockets of one session (arbitrary: an
// interface that comes up takes longer).
const redialGap = 500 * time.Millisecond

// redialer is a client's socket that can be exchanged for a new one: when this host
// has lost the address that the old one had, nothing goes out through it any more.
// The server follows, as it follows any client that moves. Exchange and Read are
// for the session's goroutine, the rest for any.
type redialer struct {
	dial    func() (udp.Conn, error)
	current atomic.Pointer[udp.Conn]
	dropped uint64 // by the sockets before
}

func newRedialer(dial func() (udp.Conn, error)) (*redialer, error) {
	r := &redialer{dial: dial}
	c, err := dial()
	if err != nil {
		return nil, err
	}
	r.current.Store(&c)
	return r, nil
}

func (r *redialer) conn() udp.Conn { return *r.current.Load() }

// exchange takes a new socket; where there is none to be had, it keeps the old.
func (r *redialer) exchange() bool {
	c, err := r.dial()
	if err != nil {
		return false
	}
	old := r.conn()
	r.current.Store(&c)
	r.dropped += old.Stats().Dropped
	old.Close()
	return true
}

// Read and the others implement udp.Conn.
func (r *redialer) Read(msgs []udp.Message) (int, error) { return r.conn().Read(msgs) }

func (r *redialer) Write(buf []byte, segment int, addr netip.AddrPort) error {
	return r.conn().Write(buf, segment, addr)
}

func (r *redialer) SetReadDeadline(t time.Time) error { return r.conn().SetReadDeadline(t) }
func (r *redialer) LocalAddr() netip.AddrPort         { return r.conn().LocalAddr() }
func (r *redialer) ReadBuffer(segment int) int        { return r.conn().ReadBuffer(segment) }
func (r *redialer) Close() error                      { return r.conn().Close() }

func (r *redialer) Stats() udp.Stats {
	s := r.conn().Stats()
	s.Dropped += r.dropped
	return s
}

// redial takes a new socket if the peer is silent and this host's socket does not
// send. A closed port is the peer's trouble, not the socket's.
func (c *clientSession) redial(now time.Time) {
	lost := c.unsent != nil && !errors.Is(c.unsent, syscall.ECONNREFUSED)
	if !c.silent || !lost || now.Sub(c.redialed) < redialGap {
		return
	}
	c.redialed = now
	if c.socket.exchange() {
		c.unsent = nil
		c.sender.TakeBack()
	}
}
