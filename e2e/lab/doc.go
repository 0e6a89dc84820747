// Command lab builds an emulated wide-area network out of network namespaces
// and TUN devices, so that any program, TCP or UDP, can be measured on one
// machine across links of a known rate, delay and loss. It needs Linux, root
// and iproute2.
//
//	lab -host c=10.77.0.1 -host s1=10.77.0.2,rate=100mbit,delay=25ms,loss=0.01 -- ip netns exec lab-c ping -c3 10.77.0.2
//
// Each host is a namespace PREFIX-NAME, joined to one switch by an access link
// of two directions: up carries what the host sends, down what it receives. A
// packet from c to s1 crosses c's up link and then s1's down link. An option of
// a host holds in both directions unless it is written up.OPTION or
// down.OPTION:
//
//	rate=100mbit    serialisation rate in bit/s (kbit, mbit, gbit); unlimited
//	trace=FILE      a Mahimahi trace of delivery opportunities, instead of rate
//	queue=BYTES     drop-tail queue before the rate or trace; 100 ms of the rate
//	delay=25ms      propagation delay, one way
//	jitter=5ms      up to so much delay more, drawn once in so long, order kept
//	loss=0.01       share of packets lost
//	burst=4         mean length of a run of losses (Gilbert-Elliott)
//	dup=0.01        share delivered twice
//	reorder=0.01    share held back, so that later packets overtake
//	corrupt=0.001   share of UDP datagrams with one payload bit flipped and a
//	                checksum that does not show it
//	cut=2s:500ms    a black-out of 500 ms, 2 s after the link's first packet
//	mtu=1500        of the host's interface, for both directions
//
// The flags are -prefix (of the namespaces' names, "lab": labs that run side
// by side need different ones), -seed, -stats and -json FILE (what each link
// did, at the end, as text to stderr or for a program to read). Without a
// command the lab stands until it is interrupted. The command finds the prefix
// in LAB_PREFIX; its exit code is the lab's, whose own failures exit 125, as
// those of timeout(1) do.
//
// At the end, on a signal too, the command is ended, then whatever still runs
// in the namespaces, and the namespaces are deleted. Namespaces named after
// the prefix belong to the lab: what one that was killed left behind is
// deleted at the next start.
//
// # How it works
//
// The emulation (fabric, link, delayQueue, trace, loss) is a state machine
// that is told the time; one thread drives it, reads and writes the TUN devices
// and sleeps in ppoll, whose timeouts are good to some 50 microseconds where
// the Go runtime's timers are good to a millisecond. A packet's due times are
// computed from one another, so the thread's lateness never adds up along the
// path.
//
// # Known limitations
//
// IPv4 only, all hosts in one /24. The switch takes no time, drops packets
// longer than the receiver's MTU without an ICMP message and leaves the TTL
// alone. Random losses happen after the queue, so a lost packet has used its
// share of the rate. One thread carries all links: 8 hosts share its speed.
package main
