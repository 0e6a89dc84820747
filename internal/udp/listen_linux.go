package udp

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// listen binds n sockets to one port. The first is bound without SO_REUSEPORT,
// and so fails when another process has the port, even one that shares it:
// else two servers of one user would each get some of the other's datagrams.
func listen(addr string, n int) ([]*net.UDPConn, error) {
	first, err := listenOne(addr)
	if err != nil || n == 1 {
		return []*net.UDPConn{first}, err
	}
	bound := []*net.UDPConn{first}
	raw, err := first.SyscallConn()
	if err == nil {
		err = control(raw, reusePort)
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, reusePort)
	}}
	for err == nil && len(bound) < n {
		var next net.PacketConn
		next, err = lc.ListenPacket(context.Background(), "udp", first.LocalAddr().String())
		if err == nil {
			bound = append(bound, next.(*net.UDPConn))
		}
	}
	if err != nil {
		for _, b := range bound {
			b.Close()
		}
		return nil, err
	}
	return bound, nil
}

func reusePort(fd uintptr) error {
	return unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}
