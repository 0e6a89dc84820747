package udp

import "golang.org/x/sys/unix"

// dontFragment sets the Don't Fragment bit, which macOS can since version 11.
// A dual-stack socket takes both options, one of IPv4 only the first. Where
// neither works, long datagrams are fragmented.
func dontFragment(fd uintptr) error {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_DONTFRAG, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1)
	return nil
}
