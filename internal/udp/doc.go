// Package udp moves batches of UDP datagrams between a program and the kernel.
//
// Everything above this package sees one interface, Conn: a read yields runs of
// equally long datagrams (what UDP_GRO merges), a write takes one (what
// UDP_SEGMENT splits). Where the kernel has no such offload the same calls move
// the datagrams in batches (recvmmsg, sendmmsg) or one by one, so the shape of
// the code above does not depend on the platform.
//
//	             reads                        writes
//	Linux        recvmmsg, UDP_GRO            sendmmsg (x/net), UDP_SEGMENT
//	the rest     one datagram a call          one datagram a call
//
// # Who may call what
//
// One goroutine at a time calls Read. Write, SetReadDeadline, Close, Stats,
// ReadBuffer and LocalAddr may be called by any number at any time. Writes of
// one Conn wait for each other. Close and SetReadDeadline wake a Read that
// waits; Close also wakes a Write that waits for the kernel's send buffer.
//
// # What the errors of a write mean
//
// An ICMP message about an earlier datagram makes the kernel fail one later
// call of a connected socket, whatever that call sends. So every error but the
// first three below must come twice in a row before it is believed.
//
//	EAGAIN                   send buffer full: Write waits in Go's poller until
//	                         the device has sent enough, or Close
//	ENOBUFS                  device queue full: tried again 4 times, after 0.1,
//	                         0.2, 0.4 and 0.8 ms; then the rest of the write
//	                         counts as lost (Stats.Unsent) and Write returns nil
//	closed                   net.ErrClosed
//	EIO, EINVAL,             of an offloaded write: the rest is sent without the
//	ENOPROTOOPT, EOPNOTSUPP  offload. If that works the offload stays off for
//	                         this Conn; if not, the offload was not to blame
//	                         (older kernels say EINVAL for a segment longer
//	                         than the interface takes) and stays on
//	EMSGSIZE                 ErrTooLong, wrapped
//	others, as ECONNREFUSED  returned: a closed port, a firewall (EPERM), no
//	                         route. A later Write may succeed
//
// Every error but ErrClosed leaves the Conn usable.
//
// # What is lost silently
//
// Datagrams that the path drops; those given up after ENOBUFS (Stats.Unsent);
// those that arrive while the receive buffer is full (Stats.Dropped, known only
// once a later datagram is read, where the kernel counts a run that it merged
// as one); those with a bad checksum, which the kernel adds to the same count.
// A write that fails midway has sent what came before.
//
// Empty datagrams are received as messages of N = 0 and Segment = 0, so a loop
// over the segments of a message has nothing to do. They cannot be sent: a
// Write of no bytes does nothing.
//
// # Known limitations
//
// Jumbograms (RFC 2675) are not received. Where there is neither Linux, macOS
// nor Windows, the Don't Fragment bit is not set, so too long a datagram is
// fragmented instead of refused.
package udp
