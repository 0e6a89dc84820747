package netsim

import (
	"iter"
	"net/netip"
	"time"
)

// send hands a run of datagrams to the link between two addresses and delivers
// what arrives at once. n.mu is held.
func (n *Network) send(from, to netip.AddrPort, buf []byte, segment int) {
	if n.closed {
		return
	}
	now := time.Now()
	l := n.link(from.Addr(), to.Addr())
	for datagram := range split(buf, segment) {
		if l.cut {
			l.cutOff(datagram)
			continue
		}
		for _, f := range l.impairer.admit(now, len(datagram)) {
			p := n.pool.get(len(datagram))
			p.link, p.from, p.to = l, from, to
			copy(p.payload, datagram)
			f.damage(p.payload)
			n.agenda.push(f.due, p)
		}
	}
	n.advance(now)
}

// cutOff counts a datagram that never reaches the link.
func (l *link) cutOff(datagram []byte) {
	l.counters.Sent++
	l.counters.SentBytes += uint64(len(datagram))
	l.counters.Cut++
}

// wake delivers what is due when the timer says so.
func (n *Network) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.armed = time.Time{}
	if !n.closed {
		n.advance(time.Now())
	}
}

// advance delivers what is due by now and sets the timer for the rest.
func (n *Network) advance(now time.Time) {
	for {
		due, ok := n.agenda.next()
		if !ok {
			return
		}
		if due.After(now) {
			if n.armed.IsZero() || due.Before(n.armed) {
				n.armed = due
				n.timer.Reset(due.Sub(now))
			}
			return
		}
		n.deliver(n.agenda.pop())
	}
}

// deliver puts p into the buffer of the socket it is for, if there is one.
func (n *Network) deliver(p *packet) {
	count := &p.link.counters
	h := n.hosts[p.to.Addr()]
	switch {
	case p.link.cut || h != nil && h.down:
		count.Cut++
	case h == nil || !h.ports[p.to.Port()].accepts(p.from):
		count.Unreachable++
	case !h.ports[p.to.Port()].push(p):
		count.BufferDropped++
	default:
		count.Delivered++
		count.DeliveredBytes += uint64(len(p.payload))
		return
	}
	n.pool.put(p)
}

// split cuts a run into its datagrams. An empty one is one empty datagram.
func split(buf []byte, segment int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(buf) > segment {
			if !yield(buf[:segment]) {
				return
			}
			buf = buf[segment:]
		}
		yield(buf)
	}
}
