package peer

import (
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
)

// checkPath asks where the client is, if there is a doubt, and follows it once
// that is proven.
func (c *serverSession) checkPath(now time.Time) {
	if c.check.proven {
		c.move(now)
	}
	if challenge, ok := c.check.poll(now, c.sender.ProbeTimeout(), random64); ok {
		buf := c.buffers.getFrame()
		defer c.buffers.putFrame(buf)
		out := c.sealPadded(buf[:0], &challenge, 0)
		_ = c.conn.Write(out, len(out), c.check.addr) // as good as lost on the way
	}
}

// move goes on with the session at the address that has proven to be the
// client's. Behind another address lies another path, of which nothing is known; a
// NAT that only chose another port leaves the path as it is (RFC 9000, section 9.4).
func (c *serverSession) move(now time.Time) {
	from, to, rtt := c.addr, c.check.addr, c.check.rtt
	c.check = &pathCheck{askedAt: c.check.askedAt}
	c.addr = to
	c.log.Info("client moved", zap.Stringer("from", from), zap.Stringer("to", to))
	c.sender.TakeBack()
	if from.Addr() == to.Addr() {
		return
	}
	rtt = max(rtt, time.Microsecond)
	key := c.path.key
	key.addr = to.Addr()
	asked := c.path.asked()
	c.path.leave()
	c.path = c.server.paths.join(key, rtt, rtt)
	if asked != nil {
		c.path.pace(asked)
	}
	c.sender.Reroute(c.path, rtt)
	c.sender.Shrink(baseSegment)
	c.mtu = arq.NewPathMTU(now, baseDatagram, c.maxDatagram, c.sender.ProbeTimeout())
}
