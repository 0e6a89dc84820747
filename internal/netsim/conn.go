package netsim

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"chunkcp/internal/udp"
)

// conn is a simulated socket. All but its channel and timer is guarded by the
// network's mutex.
type conn struct {
	host    *Host
	options SocketOptions
	local   netip.AddrPort
	remote  netip.AddrPort // zero when not connected

	wake  chan struct{} // holds a token when a Read under way must look again
	timer *time.Timer   // the deadline of the Read under way; only Read touches it

	wire     netip.AddrPort // the address that the network sees; the NAT changes it
	outside  *Host          // that has it
	closed   bool
	deadline time.Time
	inbox    inbox
	stats    udp.Stats
}

func newConn(h *Host, local, remote netip.AddrPort) *conn {
	c := &conn{
		host:    h,
		options: h.options,
		local:   local,
		remote:  remote,
		wake:    make(chan struct{}, 1),
		timer:   time.NewTimer(time.Hour),
		wire:    local,
		outside: h,
		inbox:   inbox{limit: h.options.ReadBuffer},
	}
	c.timer.Stop()
	c.stats.SegmentOffload = !c.options.NoOffload
	c.stats.ReceiveOffload = !c.options.NoOffload
	return c
}

// Read implements udp.Conn.
func (c *conn) Read(msgs []udp.Message) (int, error) {
	for {
		count, deadline, err := c.tryRead(msgs)
		if count > 0 || err != nil || len(msgs) == 0 {
			return count, err
		}
		var expired <-chan time.Time
		if !deadline.IsZero() {
			c.timer.Reset(time.Until(deadline))
			expired = c.timer.C
		}
		select {
		case <-c.wake:
		case <-expired:
		}
	}
}

// tryRead reads what is there, and returns how long to wait if nothing is.
func (c *conn) tryRead(msgs []udp.Message) (count int, deadline time.Time, err error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	switch {
	case c.closed:
		return 0, time.Time{}, net.ErrClosed
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		// Before the data, as a real socket does it.
		return 0, time.Time{}, os.ErrDeadlineExceeded
	}
	for count < len(msgs) && !c.inbox.empty() {
		datagrams, bytes := c.inbox.fill(&msgs[count], !c.options.NoOffload, c.host.net.pool.put)
		c.stats.ReadDatagrams += uint64(datagrams)
		c.stats.ReadBytes += uint64(bytes)
		count++
	}
	if count > 0 {
		c.stats.ReadCalls++
	}
	return count, c.deadline, nil
}

// Write implements udp.Conn.
func (c *conn) Write(buf []byte, segment int, addr netip.AddrPort) error {
	from, to, tap, err := c.prepare(len(buf), segment, addr)
	if err != nil {
		return err
	}
	if tap != nil {
		tap.observe(from, to, buf, segment) // unlocked: it may call the network, or end its test
	}
	n := c.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.host.down {
		for datagram := range split(buf, segment) {
			n.link(from.Addr(), to.Addr()).cutOff(datagram)
		}
		return nil
	}
	n.send(from, to, buf, segment)
	return nil
}

// prepare checks and counts a write of length bytes, and returns how it is addressed.
func (c *conn) prepare(length, segment int, addr netip.AddrPort) (from, to netip.AddrPort, tap TapFunc, err error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	to = c.remote
	if !to.IsValid() {
		to = unmap(addr)
	}
	switch {
	case c.closed:
		err = net.ErrClosed
	case segment <= 0 && length > 0:
		err = fmt.Errorf("netsim: segments of %d bytes: give a positive length", segment)
	case !to.IsValid() || to.Port() == 0:
		err = fmt.Errorf("netsim: cannot send to %v: give an address and a port", to)
	case min(length, segment)+HeaderBytes > c.options.MTU:
		err = udp.ErrTooLong
	default:
		c.stats.WriteCalls++
		c.stats.WriteBytes += uint64(length)
		c.stats.WriteDatagrams += uint64(max(1, (length+segment-1)/max(1, segment)))
	}
	return c.wire, to, c.host.net.tap, err
}

// SetReadDeadline implements udp.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.deadline = t
	c.notify()
	return nil
}

// LocalAddr implements udp.Conn.
func (c *conn) LocalAddr() netip.AddrPort { return c.local }

// ReadBuffer implements udp.Conn.
func (c *conn) ReadBuffer(segment int) int {
	return c.inbox.room(segment) // limit never changes
}

// Stats implements udp.Conn.
func (c *conn) Stats() udp.Stats {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	return c.stats
}

// Close implements udp.Conn. A second one fails with net.ErrClosed.
func (c *conn) Close() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.shut()
	return nil
}

// shut closes c. The network's mutex is held, as in all below.
func (c *conn) shut() {
	c.closed = true
	c.discard()
	delete(c.outside.ports, c.wire.Port())
	c.notify()
}

// notify has a Read under way look again.
func (c *conn) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// accepts reports whether c takes datagrams from an address; a nil c does not.
func (c *conn) accepts(from netip.AddrPort) bool {
	return c != nil && (!c.remote.IsValid() || c.remote == from)
}

// push keeps p for Read, false when there is no room.
func (c *conn) push(p *packet) bool {
	if !c.inbox.push(p) {
		c.stats.Dropped++
		return false
	}
	c.notify()
	return true
}

// discard forgets everything unread.
func (c *conn) discard() {
	for !c.inbox.empty() {
		c.host.net.pool.put(c.inbox.pop())
	}
}
