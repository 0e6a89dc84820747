//go:build !linux

package udp

import (
	"net"
	"net/netip"
	"syscall"
)

// reader reads one datagram a call: the batches of x/net do no more on macOS,
// allocate, and do not work at all on Windows.
type reader struct {
	conn  *net.UDPConn
	count *counters
}

func (r *reader) init(conn *net.UDPConn, _ syscall.RawConn, _ netip.AddrPort, count *counters) {
	r.conn, r.count = conn, count
}

func (r *reader) read(msgs []Message) (int, error) {
	n, from, err := r.conn.ReadFromUDPAddrPort(msgs[0].Buf)
	if err != nil {
		return 0, err
	}
	msgs[0].N, msgs[0].Segment, msgs[0].Addr = n, n, unmap(from)
	r.count.read(msgs[:1])
	return 1, nil
}
