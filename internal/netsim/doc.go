// Package netsim is a seeded network that loses, delays, reorders, duplicates
// and damages datagrams, for tests that run in a testing/synctest bubble.
//
// A Network has hosts, hosts hand out sockets that are udp.Conns, and between
// any two addresses lies one Link in each direction, instant and perfect until
// SetLink says otherwise:
//
//	n := netsim.New(seed)
//	defer n.Close()
//	server, client := n.Host(a), n.Host(b)
//	n.SetPath(a, b, netsim.Link{Rate: 12_500_000, Delay: 25 * time.Millisecond, Loss: 0.01})
//	s, err := server.Listen(7440)
//	c, err := client.Dial(netip.AddrPortFrom(a, 7440))
//
// A datagram passes the Link's MTU, its queue, the rate limit, loss,
// duplication, delay with jitter, reordering and damage, in this order. That
// part is Impairer, which has no clock, goroutine or socket: a relay between
// real sockets uses the same one.
//
// # Determinism
//
// Each Link draws from a generator of its own, derived from the seed and the two
// addresses, so the traffic of one direction never shifts the draws of another.
// The same writes in the same order at the same virtual times meet the same
// fate. What the Go scheduler decides, such as which of two goroutines writes
// first at one virtual instant, is not repeatable.
//
// # Bubbles
//
// A Network and its sockets must be made and used inside one bubble (or all
// outside, in real time). Waiting is on channels and timers, hence durably
// blocking; the one mutex is never held across a wait. There is no standing
// goroutine: a single timer stands for the next arrival.
//
// # Limitations
//
//   - A datagram to a port that nobody holds vanishes; no ICMP error comes back.
//   - Every datagram counts HeaderBytes of headers, on IPv6 too.
//   - One socket per address and port: no SO_REUSEPORT, no wildcard address.
//   - Datagrams of different Links do not compete for a shared bottleneck.
//   - No ECN marks, no fragmentation.
package netsim
