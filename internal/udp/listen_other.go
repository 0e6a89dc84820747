//go:build !linux

package udp

import "net"

// listen binds one socket whatever is wanted: macOS does not spread datagrams
// over the sockets of a port, and Windows has no SO_REUSEPORT.
func listen(addr string, _ int) ([]*net.UDPConn, error) {
	conn, err := listenOne(addr)
	return []*net.UDPConn{conn}, err
}
