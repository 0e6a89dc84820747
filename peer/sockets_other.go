//go:build !linux

package peer

// serverSockets is one where the kernel cannot spread senders over sockets.
func serverSockets() int { return 1 }
