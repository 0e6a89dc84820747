package peer

import "runtime"

// serverSockets returns how many sockets to read a server's port with: one for
// each core, since a socket has one reader at a time.
func serverSockets() int { return runtime.GOMAXPROCS(0) }
