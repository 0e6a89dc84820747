//go:build !linux

package udp

import (
	"net"
	"syscall"
)

// minBuffer is where a search for a buffer that the kernel grants ends:
// arbitrary, less than every default.
const minBuffer = 8 << 10

func configure(conn *net.UDPConn, raw syscall.RawConn, opt Options) (granted, error) {
	if err := control(raw, dontFragment); err != nil {
		return granted{}, err
	}
	largest(opt.WriteBuffer, conn.SetWriteBuffer)
	return granted{readBuffer: largest(opt.ReadBuffer, conn.SetReadBuffer)}, nil
}

// largest sets size or, as some kernels refuse what they cannot grant in full,
// the largest of its halves that is taken.
func largest(size int, set func(int) error) int {
	for size > minBuffer && set(size) != nil {
		size /= 2
	}
	return size
}
