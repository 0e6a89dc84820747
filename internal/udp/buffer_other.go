//go:build !linux

package udp

// addrCharge is what macOS charges beside the payload: a sockaddr_in6 of 28
// bytes in an mbuf of 256 (bsd/kern/uipc_socket2.c, sbappendaddr).
const addrCharge = 256

// ReadBuffer implements Conn. It counts on half of what was granted: a guess,
// as nothing here was measured.
func (s *socket) ReadBuffer(segment int) int {
	segment = max(1, segment)
	return max(1, s.received/2/(segment+addrCharge)) * segment
}
