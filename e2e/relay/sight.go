package relay

import "net/netip"

// Sight is a datagram that is seen at one end of a link.
type Sight struct {
	Up       bool           // it is on its way to the target
	Left     bool           // it leaves the link, and the kernel gets it next; else it enters it
	Client   netip.AddrPort // whose it is, by the address that the relay knows
	Datagram []byte         // for the time of the call only
}

// watcher shows the datagrams of one client in one direction.
type watcher struct {
	show   func(Sight) // nil: nobody looks
	up     bool
	client netip.AddrPort
}

// run shows a run of datagrams of segment bytes each.
func (w *watcher) run(left bool, buf []byte, segment int) {
	if w.show == nil {
		return
	}
	for len(buf) > 0 {
		n := min(segment, len(buf))
		w.show(Sight{Up: w.up, Left: left, Client: w.client, Datagram: buf[:n:n]})
		buf = buf[n:]
	}
}
