package udp

import (
	"net"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// newSend returns sendmmsg. It waits in Go's poller on EAGAIN. What ipv4 and
// ipv6 do here is the same, for sockets of both families.
func newSend(conn *net.UDPConn, _ bool) func([]ipv4.Message) (int, error) {
	batch := ipv4.NewPacketConn(conn)
	return func(msgs []ipv4.Message) (int, error) { return batch.WriteBatch(msgs, 0) }
}

// segmentControl is a control message that asks for UDP_SEGMENT (udp(7)). With
// the padding of a Go struct it is CMSG_SPACE(2) bytes long.
type segmentControl struct {
	header  unix.Cmsghdr
	segment uint16
}

// set returns the control message for datagrams of segment bytes, valid until
// the next call.
func (c *segmentControl) set(segment int) []byte {
	c.header.Level = unix.IPPROTO_UDP
	c.header.Type = unix.UDP_SEGMENT
	c.header.SetLen(unix.CmsgLen(2))
	c.segment = uint16(segment)
	return unsafe.Slice((*byte)(unsafe.Pointer(c)), unsafe.Sizeof(*c))
}
