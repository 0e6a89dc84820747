package netsim

// Counters counts datagrams by what became of them. In a Network, once nothing
// is under way,
//
//	Sent + Duplicated = Delivered + Lost + QueueDropped + TooLong +
//	                    Cut + Unreachable + BufferDropped
//
// An Impairer leaves what happens beyond the link at zero.
type Counters struct {
	Sent      uint64
	SentBytes uint64 // of payload

	TooLong      uint64 // longer than the link's MTU
	QueueDropped uint64 // no room in the queue
	Lost         uint64
	Duplicated   uint64 // copies made
	Reordered    uint64 // held back and overtaken by a later one
	Corrupted    uint64

	Delivered      uint64 // put into a socket's buffer
	DeliveredBytes uint64 // of payload
	Cut            uint64 // the path was cut, or a host down
	Unreachable    uint64 // no such host, no socket on the port, or one connected elsewhere
	BufferDropped  uint64 // the socket's buffer was full
}

func (c *Counters) add(o Counters) {
	c.Sent += o.Sent
	c.SentBytes += o.SentBytes
	c.TooLong += o.TooLong
	c.QueueDropped += o.QueueDropped
	c.Lost += o.Lost
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Corrupted += o.Corrupted
	c.Delivered += o.Delivered
	c.DeliveredBytes += o.DeliveredBytes
	c.Cut += o.Cut
	c.Unreachable += o.Unreachable
	c.BufferDropped += o.BufferDropped
}
