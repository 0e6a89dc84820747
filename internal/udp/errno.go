//go:build !windows

package udp

import "syscall"

const (
	errnoTooLong  = syscall.EMSGSIZE
	errnoNoBuffer = syscall.ENOBUFS
)
