package peer

import "time"

const (
	// gatherTime is how long datagrams may wait for others before they are read: a
	// read wakes a thread, which costs more than to open what it brings.
	gatherTime = time.Millisecond

	// longPath is the least round trip of a path on which they do, so that it is longer
	// by little (arbitrary).
	longPath = 16 * gatherTime

	// gatherLeast is how many datagrams must come meanwhile for it to be worth while.
	gatherLeast = 2
)

// gathers reports whether to let datagrams gather before the next read, where the last
// one has brought all that was there: on a path over which they come one by one,
// faster than they should wake a thread, and slowly enough that the socket holds them.
func (c *clientSession) gathers() bool {
	meanwhile := c.meter.Rate() * gatherTime.Seconds()
	return meanwhile >= gatherLeast*baseSegment &&
		4*meanwhile <= float64(c.conn.ReadBuffer(baseDatagram)) &&
		c.sender.Stats().SmoothedRTT >= longPath
}
