package netsim

import (
	"net/netip"

	"chunkcp/internal/udp"
)

// Rehome is Rebind for a NAT that has got another address, or a host that has
// moved behind another one: from now on c's datagrams come from the returned port
// of addr and take the links of addr, and the old address is dead. A host down
// stays so.
func (h *Host) Rehome(c udp.Conn, addr netip.Addr) netip.AddrPort {
	outside := h.net.Host(addr)
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	moved, ok := c.(*conn)
	if !ok || moved.host != h || moved.outside.ports[moved.wire.Port()] != moved {
		panic("BUG: Rehome of a socket that is not open on this host")
	}
	delete(moved.outside.ports, moved.wire.Port())
	moved.outside = outside
	moved.wire = netip.AddrPortFrom(outside.addr, outside.freePort())
	outside.ports[moved.wire.Port()] = moved
	return moved.wire
}
