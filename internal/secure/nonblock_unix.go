//go:build unix

package secure

import "syscall"

// openNonblock keeps open from waiting for the other end of a FIFO (open(2)).
const openNonblock = syscall.O_NONBLOCK
