package netsim

import (
	"fmt"
	"net"
	"net/netip"

	"chunkcp/internal/udp"
)

// First of the ports for private and temporary use (RFC 6335 section 6).
const firstEphemeralPort = 49152

// SocketOptions are what a host gives its sockets.
type SocketOptions struct {
	// ReadBuffer is SO_RCVBUF as the kernel counts it, overhead of each unread
	// datagram included: bytes, 0 for 212,992 (Linux's net.core.rmem_default).
	ReadBuffer int
	// MTU is the interface's: a Write of longer packets fails with
	// udp.ErrTooLong. Bytes, headers included; 0 for 65,535, the most IP allows.
	MTU int
	// NoOffload makes each Message of a Read a single datagram.
	NoOffload bool
}

const (
	defaultReadBuffer = 212992
	maxMTU            = 65535 // RFC 791 section 3.1, Total Length
)

// Host is one address of a Network, its sockets and the NAT before it.
type Host struct {
	net  *Network
	addr netip.Addr

	// guarded by net.mu
	down      bool
	options   SocketOptions
	ports     map[uint16]*conn // by the port that the network sees
	ephemeral uint16           // the next to try
}

func newHost(n *Network, addr netip.Addr) *Host {
	h := &Host{net: n, addr: addr, ports: make(map[uint16]*conn), ephemeral: firstEphemeralPort}
	h.options = SocketOptions{}.withDefaults()
	return h
}

func (o SocketOptions) withDefaults() SocketOptions {
	if o.ReadBuffer == 0 {
		o.ReadBuffer = defaultReadBuffer
	}
	if o.MTU == 0 {
		o.MTU = maxMTU
	}
	return o
}

// Addr returns the host's address.
func (h *Host) Addr() netip.Addr { return h.addr }

// SetSocketOptions sets what sockets opened from now on have.
func (h *Host) SetSocketOptions(o SocketOptions) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.options = o.withDefaults()
}

// Listen opens a socket that takes datagrams from anyone; port 0 chooses one.
func (h *Host) Listen(port uint16) (udp.Conn, error) {
	return h.open(port, netip.AddrPort{})
}

// Dial opens a socket connected to remote, on a port of the host's choice.
func (h *Host) Dial(remote netip.AddrPort) (udp.Conn, error) {
	if !remote.IsValid() || remote.Port() == 0 {
		return nil, fmt.Errorf("netsim: cannot dial %v: give an address and a port", remote)
	}
	return h.open(0, unmap(remote))
}

func (h *Host) open(port uint16, remote netip.AddrPort) (udp.Conn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.net.closed {
		return nil, net.ErrClosed
	}
	if port == 0 {
		port = h.freePort()
	} else if h.ports[port] != nil {
		return nil, fmt.Errorf("netsim: port %d of %v is in use: close its socket first", port, h.addr)
	}
	c := newConn(h, netip.AddrPortFrom(h.addr, port), remote)
	h.ports[port] = c
	return c, nil
}

// freePort returns the next port that nobody holds. Ports come round late, so
// that a datagram for a closed socket does not meet its successor.
func (h *Host) freePort() uint16 {
	for range 1<<16 - firstEphemeralPort {
		port := h.ephemeral
		h.ephemeral = max(firstEphemeralPort, h.ephemeral+1) // wraps to 0 at the end
		if h.ports[port] == nil {
			return port
		}
	}
	panic("BUG: a host with all ephemeral ports in use")
}

// Down kills the host: what its sockets hold unread, what they write and what
// arrives for them vanishes, and they keep waiting.
func (h *Host) Down() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.down = true
	for _, c := range h.ports {
		c.discard()
	}
}

// Up ends Down. The sockets are the same as before.
func (h *Host) Up() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.down = false
}

// Rebind makes the NAT before the host forget c: from now on the network sees
// c's datagrams come from the returned address, and the old one is dead. c's
// own LocalAddr stays, as a socket behind a NAT knows nothing of it.
func (h *Host) Rebind(c udp.Conn) netip.AddrPort { return h.Rehome(c, h.addr) }
