package udp

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// configure sets the socket up. Only what the code above relies on is an error
// when the kernel refuses it; buffers and offloads are what they can be.
func configure(_ *net.UDPConn, raw syscall.RawConn, opt Options) (granted, error) {
	var g granted
	err := control(raw, func(fd uintptr) (err error) {
		g, err = configureFD(int(fd), opt)
		return err
	})
	return g, err
}

func configureFD(fd int, opt Options) (granted, error) {
	if err := dontFragment(fd); err != nil {
		return granted{}, err
	}
	setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, opt.WriteBuffer)
	setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, opt.ReadBuffer)
	size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return granted{}, err
	}
	g := granted{readBuffer: size}
	// Without this option drops go uncounted, which harms nothing else.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	if opt.NoOffload {
		return g, nil
	}
	// A kernel that does not know UDP_SEGMENT ignores its control message and
	// sends the run as one datagram, so it must be asked first.
	_, err = unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	g.segment = err == nil
	g.receive = unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1) == nil
	return g, nil
}

// dontFragment sets the Don't Fragment bit and keeps the kernel from acting on
// ICMP's word about the path's MTU, which anyone may forge (ip(7),
// IP_PMTUDISC_PROBE; RFC 8899 section 4.5). A dual-stack socket takes both
// options, one of IPv4 only the first.
func dontFragment(fd int) error {
	err4 := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	err6 := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
	if err4 != nil && err6 != nil {
		return err4
	}
	return nil
}

// setBuffer asks for size bytes: past rmem_max and wmem_max, which takes
// CAP_NET_ADMIN, or else up to them.
func setBuffer(fd, force, plain, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, size)
	}
}
