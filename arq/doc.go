// Package arq makes one session's datagrams reliable: it decides what to send
// and when, what was lost, and what to acknowledge. It is deterministic and
// does no I/O: no clock, goroutine, lock, logger or socket.
//
// # The idea
//
// Stop-and-wait with one packet outstanding uses a line for (1-p)/(1+2a) of the
// time, where p is the probability of loss and a the propagation delay over the
// transmission time. The ARPANET's IMPs ran eight such channels side by side
// between neighbours and repeated the state of all of them on every packet
// (Heart et al., "The interface message processor for the ARPA computer
// network", 1970); LTE's HARQ runs eight processes. Here a session runs as many
// as its path needs. What a channel has outstanding is a burst of up to 64
// segments, acknowledged by a bitmap; it takes its next burst when all of this
// one has been acknowledged.
//
// # The contract
//
// A Sender and a Receiver each belong to one goroutine. Commands and Handle
// methods go in, Poll and NextTimeout come out; a zero time means no timer. The
// same calls give the same answers. The driver's loop is
//
//	for {
//		for t, ok := sender.Poll(now); ok; t, ok = sender.Poll(now) {
//			// seal and write the segments of t
//		}
//		if receiver.AckDue(now) {
//			// seal and write receiver.Ack(now, credit)
//		}
//		// wait for a datagram until the earlier NextTimeout
//		// datagram: sender.HandleAck, receiver.HandleSegment
//		// timeout: sender.HandleTimeout(now)
//	}
//
// NextTimeout is valid after Poll has returned false.
//
// # What is declared lost
//
// A segment is lost when one that was sent after it has been acknowledged and a
// reordering window has passed since it would have been (RACK, RFC 8985). When
// nothing is heard for a probe timeout (RFC 9002, section 6.2) one segment is
// sent again as a probe, never a burst: its acknowledgement tells the rest. The
// next ones wait ever longer, unless the peer says that it hears nothing. A
// duplicate acknowledgement never causes a repeat (RFC 1123, section 4.2.3.1,
// the sorcerer's apprentice). What was in flight at the end of a transfer is sent
// twice where the path loses some, and there is nothing else to send.
//
// # How much and how fast
//
// A Controller decides. Model, the default, follows the path's bandwidth and round
// trip in the manner of BBR version 3, and takes loss for congestion only with
// evidence. It begins by what packet trains show of the path. On a path of less
// than 2 ms it is a window that the peer's credit bounds. Cubic and Fixed are for
// comparison. Background is for what may wait: it uses what others leave.
// RateLimit holds any of them to a rate. Senders that share a path can share a
// controller: it accounts for what is in flight itself.
//
// # A peer that lies
//
// One that acknowledges what it has not received would be sent more than the path
// carries (RFC 9000, section 21.4). With Config.Random a Sender skips a packet
// number now and then, and holds a segment of a burst back until all others have
// arrived; an acknowledgement that names either ends the session.
//
// # Known limitations
//
// ECN is not used. A peer that lies seldom, or that claims only what was lost,
// is found out late or never. A loss that only a probe repairs
// is not told to the controller.
package arq
