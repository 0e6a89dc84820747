package netsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// Network joins hosts by links. Its methods, and those of its hosts and
// sockets, may be called by any goroutine.
type Network struct {
	seed  uint64
	timer *time.Timer // calls wake at armed

	mu     sync.Mutex // guards all below, all hosts and all sockets; never held across a wait
	closed bool
	hosts  map[netip.Addr]*Host
	links  map[direction]*link
	agenda agenda
	armed  time.Time // zero when the timer is not running
	pool   packetPool
	tap    TapFunc
}

// TapFunc observes a datagram handed to the network. datagram is a copy.
type TapFunc func(at time.Time, from, to netip.AddrPort, datagram []byte)

type direction struct{ from, to netip.Addr }

// link is one direction between two addresses. What happens before the
// impairer is asked, or beyond it, is counted here.
type link struct {
	impairer *Impairer
	cut      bool
	counters Counters
}

// New returns a network without hosts. Call it inside the bubble it is used in.
func New(seed uint64) *Network {
	n := &Network{
		seed:  seed,
		hosts: make(map[netip.Addr]*Host),
		links: make(map[direction]*link),
	}
	n.timer = time.AfterFunc(time.Hour, n.wake)
	n.timer.Stop()
	return n
}

// Host returns the host with the given address, made at the first call.
func (n *Network) Host(addr netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr = addr.Unmap()
	h := n.hosts[addr]
	if h == nil {
		h = newHost(n, addr)
		n.hosts[addr] = h
	}
	return h
}

// SetLink sets the direction from one address to another, for datagrams sent
// from now on; see Impairer.SetLink. It panics when l is not valid.
func (n *Network) SetLink(from, to netip.Addr, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(from, to).impairer.SetLink(l)
}

// SetPath sets both directions.
func (n *Network) SetPath(a, b netip.Addr, l Link) {
	n.SetLink(a, b, l)
	n.SetLink(b, a, l)
}

// Cut severs the path between two addresses, in both directions: what is sent,
// and what would arrive, vanishes until Heal. A Link with Loss 1 severs one direction.
func (n *Network) Cut(a, b netip.Addr) { n.setCut(a, b, true) }

// Heal ends a Cut.
func (n *Network) Heal(a, b netip.Addr) { n.setCut(a, b, false) }

func (n *Network) setCut(a, b netip.Addr, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(a, b).cut = cut
	n.link(b, a).cut = cut
}

// Lose has datagrams of one direction lost by their numbers; see Impairer.Lose.
func (n *Network) Lose(from, to netip.Addr, numbers ...uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(from, to).impairer.Lose(numbers...)
}

// Tap has f called for every datagram that a socket writes from now on, before
// its fate is known; nil ends it. f runs on the writer's goroutine, on several
// at once when several write, and may call the network.
func (n *Network) Tap(f TapFunc) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tap = f
}

// Inject puts a forged datagram on the link between the two addresses, where
// it meets what any other does. The sender need not exist or be up, and a Tap
// does not see it.
func (n *Network) Inject(from, to netip.AddrPort, datagram []byte) {
	if len(datagram) > maxMTU-HeaderBytes {
		panic("BUG: forged datagram longer than UDP allows")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.send(unmap(from), unmap(to), datagram, len(datagram))
}

// Counters returns the sum over all links.
func (n *Network) Counters() Counters {
	n.mu.Lock()
	defer n.mu.Unlock()
	var total Counters
	for _, l := range n.links {
		total.add(l.counters)
		total.add(l.impairer.counters)
	}
	return total
}

// LinkCounters returns what happened in one direction.
func (n *Network) LinkCounters(from, to netip.Addr) Counters {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.link(from, to)
	sum := l.counters
	sum.add(l.impairer.counters)
	return sum
}

// Close closes all sockets and drops what is under way. Nothing of the network
// runs afterwards.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.timer.Stop()
	n.agenda = agenda{}
	for _, h := range n.hosts {
		for _, c := range h.ports {
			c.shut()
		}
	}
}

// link returns one direction, made at the first use.
func (n *Network) link(from, to netip.Addr) *link {
	d := direction{from.Unmap(), to.Unmap()}
	l := n.links[d]
	if l == nil {
		l = &link{impairer: NewImpairer(Link{}, d.seed(n.seed))}
		n.links[d] = l
	}
	return l
}

// seed derives the direction's own seed.
func (d direction) seed(network uint64) uint64 {
	from, to := d.from.As16(), d.to.As16()
	material := binary.BigEndian.AppendUint64(nil, network)
	material = append(append(material, from[:]...), to[:]...)
	sum := sha256.Sum256(material)
	return binary.BigEndian.Uint64(sum[:])
}

// observe shows a run of datagrams to the tap.
func (tap TapFunc) observe(from, to netip.AddrPort, buf []byte, segment int) {
	now := time.Now()
	for datagram := range split(buf, segment) {
		tap(now, from, to, bytes.Clone(datagram))
	}
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
