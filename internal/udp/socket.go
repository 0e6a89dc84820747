package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// socket is a Conn of the kernel's.
type socket struct {
	counters
	conn     *net.UDPConn
	local    netip.AddrPort
	received int // the size of the receive buffer, as the kernel accounts for it
	reader   reader
	writer   writer
}

// Dial returns a Conn connected to raddr: it receives from there only, and
// learns of a closed port there.
func Dial(raddr netip.AddrPort, opt Options) (Conn, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	raddr = unmap(raddr)
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(raddr))
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	return open(conn, raddr, opt.withDefaults())
}

// Listen returns one Conn for each of opt.Sockets readers, all on one port. An
// addr of ":port" is that port of every IPv4 and IPv6 address of this host;
// port 0 lets the kernel choose one. A port that another process listens on is
// an error however many sockets either has.
func Listen(addr string, opt Options) ([]Conn, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	bound, err := listen(addr, opt.Sockets)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	conns := make([]Conn, 0, len(bound))
	for i, b := range bound {
		c, err := open(b, netip.AddrPort{}, opt)
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			for _, b := range bound[i+1:] {
				b.Close()
			}
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// listenOne is the portable part of listen.
func listenOne(addr string) (*net.UDPConn, error) {
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	return net.ListenUDP("udp", ua)
}

// open makes a Conn of conn, which is connected to remote unless that is zero,
// and owns it: it is closed on failure.
func open(conn *net.UDPConn, remote netip.AddrPort, opt Options) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("udp: %w", err)
	}
	granted, err := configure(conn, raw, opt)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("udp: configure the socket: %w", err)
	}
	s := &socket{
		conn:     conn,
		local:    unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort()),
		received: granted.readBuffer,
	}
	s.segmentOffload.Store(granted.segment)
	s.receiveOffload.Store(granted.receive)
	s.reader.init(conn, raw, remote, &s.counters)
	s.writer.init(conn, remote, &s.counters)
	return s, nil
}

// granted is what the kernel gave of what Options asked for.
type granted struct {
	readBuffer       int // bytes
	segment, receive bool
}

// control calls f with the descriptor and returns the error of either.
func control(raw syscall.RawConn, f func(fd uintptr) error) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = f(fd) }); cerr != nil {
		return cerr
	}
	return err
}

// unmap makes IPv4 addresses look the same whatever socket they come from.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Read implements Conn.
func (s *socket) Read(msgs []Message) (int, error) {
	for i := range msgs {
		if len(msgs[i].Buf) < MaxRead {
			return 0, fmt.Errorf("udp: read into %d bytes: want %d", len(msgs[i].Buf), MaxRead)
		}
	}
	if len(msgs) == 0 {
		return 0, nil
	}
	return s.reader.read(msgs)
}

// Write implements Conn.
func (s *socket) Write(buf []byte, segment int, addr netip.AddrPort) error {
	if segment < 1 {
		return fmt.Errorf("udp: write of %d-byte datagrams: want 1 or more", segment)
	}
	if !s.writer.connected && !addr.IsValid() {
		return errors.New("udp: write to no address: want one, or a connected socket")
	}
	return s.writer.write(buf, segment, addr)
}

// SetReadDeadline implements Conn.
func (s *socket) SetReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

// LocalAddr implements Conn.
func (s *socket) LocalAddr() netip.AddrPort { return s.local }

// Close implements Conn.
func (s *socket) Close() error { return s.conn.Close() }
