package udp

import "golang.org/x/sys/windows"

// Of ws2ipdef.h.
const (
	ipDontFragment = 14 // IP_DONTFRAGMENT
	ipv6DontFrag   = 14 // IPV6_DONTFRAG
)

// dontFragment sets the Don't Fragment bit. A dual-stack socket takes both
// options, one of IPv4 only the first.
func dontFragment(fd uintptr) error {
	_ = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IP, ipDontFragment, 1)
	_ = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IPV6, ipv6DontFrag, 1)
	return nil
}
