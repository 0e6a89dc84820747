package udp

import "golang.org/x/sys/windows"

// Winsock has its own numbers; those of package syscall are Go's invention.
const (
	errnoTooLong  = windows.WSAEMSGSIZE
	errnoNoBuffer = windows.WSAENOBUFS
)
