// Package transfer puts a tool's servers up, fetches a file from them as often
// as asked, each time by a new client, and says how long it took and what it
// cost.
package transfer

import (
	"fmt"
	"net"
	"net/netip"
)

// Place is where a transfer happens.
type Place struct {
	Client  string // namespace of the client
	Servers []Host // as many as any tool needs
	Port    uint16 // of the servers; 0 is a free one
	Dir     string // for all files of the transfer
	Warm    bool   // each client finds warm memory for its copy
}

// Host is an address in a namespace.
type Host struct {
	Netns string // "" is the bench's own
	Addr  netip.Addr
}

// Loopback returns the place of so many servers on this machine.
func Loopback(servers int, dir string) Place {
	p := Place{Dir: dir}
	for range servers {
		p.Servers = append(p.Servers, Host{Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	}
	return p
}

// address returns where the server with the index shall listen.
func (p Place) address(server int) (netip.AddrPort, error) {
	if server >= len(p.Servers) {
		return netip.AddrPort{}, fmt.Errorf("BUG: server %d of a place for %d", server+1, len(p.Servers))
	}
	host := p.Servers[server]
	if p.Port != 0 {
		return netip.AddrPortFrom(host.Addr, p.Port), nil
	}
	port, err := freePort(host.Addr)
	return netip.AddrPortFrom(host.Addr, port), err
}

// freePort returns a port that is free for TCP and UDP. Somebody else may take
// it before the server does, which then says so.
func freePort(addr netip.Addr) (uint16, error) {
	const attempts = 100 // arbitrary
	for range attempts {
		l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
		if err != nil {
			return 0, err
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		l.Close()
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err == nil {
			u.Close()
			return at.Port(), nil
		}
	}
	return 0, fmt.Errorf("no port of %v is free for TCP and UDP both", addr)
}
