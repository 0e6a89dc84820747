package main

import "time"

// fabric is the emulated network: stations, their links and the switch between
// them. It is told the time, and has no goroutine, clock or socket.
//
//	p := f.packet()                 // read a packet into p.data
//	p.data = p.data[:n]
//	f.send(now, from, p)            // p is the fabric's
//	for p := f.arrived(now); p != nil; p = f.arrived(now) {
//		                            // write p.data to p.dest
//		f.release(p)
//	}
//	due, ok := f.next()             // when to call arrived again
type fabric struct {
	stations []*station
	byAddr   map[[4]byte]*station
	queue    delayQueue
	pool     packetPool
}

// station is one host's place at the switch.
type station struct {
	host
	index    int // in fabric.stations
	up, down *link
}

func newFabric(hosts []host, seed uint64) *fabric {
	f := &fabric{byAddr: make(map[[4]byte]*station)}
	for i, h := range hosts {
		s := &station{
			host: h, index: i,
			up:   newLink(h.up, seed, h.name, "up"),
			down: newLink(h.down, seed, h.name, "down"),
		}
		f.stations = append(f.stations, s)
		f.byAddr[h.addr.As4()] = s
		f.pool.size = max(f.pool.size, h.mtu)
	}
	return f
}

// packet returns a packet to read into.
func (f *fabric) packet() *packet { return f.pool.get() }

// release takes back a packet that arrived returned, or that packet did.
func (f *fabric) release(p *packet) { f.pool.put(p) }

// send hands over what a station sends at now. What is no IPv4 packet, or goes
// to no station, is dropped: kernels chatter on every interface.
func (f *fabric) send(now time.Duration, from *station, p *packet) {
	if len(p.data) < ipv4HeaderMin || p.data[0]>>4 != 4 {
		f.release(p)
		return
	}
	p.dest = f.byAddr[[4]byte(p.data[ipv4Destination:])]
	if p.dest == nil {
		f.release(p)
		return
	}
	f.cross(now, from.up, p)
}

// arrived returns a packet that has reached its station by now, nil when there
// is none.
func (f *fabric) arrived(now time.Duration) *packet {
	for {
		due, ok := f.queue.next()
		if !ok || due > now {
			return nil
		}
		p := f.queue.pop()
		if p.down {
			return p
		}
		// The second link begins where the first ended, not where the caller
		// found the time to ask. The queue's order keeps that from falling.
		p.down = true
		if len(p.data) > p.dest.mtu {
			p.dest.down.TooLong++
			f.release(p)
			continue
		}
		f.cross(due, p.dest.down, p)
	}
}

// next returns when arrived can have something to do, false for never.
func (f *fabric) next() (time.Duration, bool) { return f.queue.next() }

// cross sends p over l.
func (f *fabric) cross(now time.Duration, l *link, p *packet) {
	due, copies := l.admit(now, p.data)
	if copies == 0 {
		f.release(p)
		return
	}
	f.queue.push(due, p)
	for range copies - 1 {
		f.queue.push(due, f.pool.clone(p))
	}
}
